// JSON becomes the protobuf that its authors meant.

import Bytes
import OTLP
import Testing

@Suite("ExportRequest from JSON")
struct ExportRequestJSONTests {
  @Test("An empty object is an empty request of any signal", arguments: Signal.allCases)
  func empty(signal: Signal) throws {
    for text in ["{}", " {\n\t } \r\n"] {
      let request = try decode(text, signal)
      #expect(request.payload.isEmpty && request.itemCount == 0 && request.rejected == nil)
    }
  }

  @Test("Empty envelopes are kept and hold no items")
  func emptyEnvelopes() throws {
    let request = try decode(#"{"resourceSpans":[{},{"scopeSpans":[{},{"spans":[]}]}]}"#)
    #expect(request.payload.array == Encoded.message(1) + Encoded.message(1, Encoded.message(2), Encoded.message(2)))
    #expect(request.itemCount == 0)
  }

  @Test("Every field of a span reaches its field number")
  func span() throws {
    let json = JSONText.request(
      span: """
        "traceId":"5B8EFFF798038103D269B633813FC60C","spanId":"eee19b7ec3c1b174","traceState":"a=b",
        "parentSpanId":"EEE19B7EC3C1B173","flags":257,"name":"GET /","kind":2,"startTimeUnixNano":"1544712660000000000",
        "endTimeUnixNano":1544712661000000000,"attributes":[{"key":"k","value":{"intValue":"5"}}],
        "droppedAttributesCount":1,
        "events":[{"timeUnixNano":"1","name":"e","attributes":[],"droppedAttributesCount":2}],
        "droppedEventsCount":3,"links":[{"traceId":"00000000000000000000000000000001","spanId":"0000000000000002",
        "traceState":"s","attributes":[],"droppedAttributesCount":4,"flags":5}],"droppedLinksCount":6,
        "status":{"message":"bad","code":2}
        """)
    let traceID: [UInt8] = [
      0x5b, 0x8e, 0xff, 0xf7, 0x98, 0x03, 0x81, 0x03, 0xd2, 0x69, 0xb6, 0x33, 0x81, 0x3f, 0xc6, 0x0c,
    ]
    let expected = Encoded.request(
      span: Encoded.bytes(1, traceID), Encoded.bytes(2, [0xee, 0xe1, 0x9b, 0x7e, 0xc3, 0xc1, 0xb1, 0x74]),
      Encoded.text(3, "a=b"), Encoded.bytes(4, [0xee, 0xe1, 0x9b, 0x7e, 0xc3, 0xc1, 0xb1, 0x73]),
      Encoded.fixed32(16, 257),
      Encoded.text(5, "GET /"), Encoded.number(6, 2), Encoded.fixed64(7, 1_544_712_660_000_000_000),
      Encoded.fixed64(8, 1_544_712_661_000_000_000),
      Encoded.message(9, Encoded.text(1, "k"), Encoded.message(2, Encoded.number(3, 5))), Encoded.number(10, 1),
      Encoded.message(11, Encoded.fixed64(1, 1), Encoded.text(2, "e"), Encoded.number(4, 2)), Encoded.number(12, 3),
      Encoded.message(
        13, Encoded.bytes(1, [UInt8](repeating: 0, count: 15) + [1]), Encoded.bytes(2, [0, 0, 0, 0, 0, 0, 0, 2]),
        Encoded.text(3, "s"), Encoded.number(5, 4), Encoded.fixed32(6, 5)), Encoded.number(14, 6),
      Encoded.message(15, Encoded.text(2, "bad"), Encoded.number(3, 2)))
    let request = try decode(json)
    #expect(request.payload.array == expected)
    #expect(request.itemCount == 1)
  }

  @Test("A log record's fields, with its resource and scope")
  func logRecord() throws {
    let json = #"""
      {"resourceLogs":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"a"}}],
      "droppedAttributesCount":1,"entityRefs":[{"schemaUrl":"u","type":"service","idKeys":["x","y"],
      "descriptionKeys":[]}]},"scopeLogs":[{"scope":{"name":"n","version":"v","attributes":[],
      "droppedAttributesCount":2},"logRecords":[{"timeUnixNano":"1","observedTimeUnixNano":"2","severityNumber":9,
      "severityText":"INFO","body":{},"attributes":[],"droppedAttributesCount":3,"flags":1,
      "traceId":"","spanId":null,"eventName":"login"},{}],"schemaUrl":"s"}],"schemaUrl":"r"}]}
      """#
    let expected = Encoded.message(
      1,
      Encoded.message(
        1, Encoded.message(1, Encoded.text(1, "service.name"), Encoded.message(2, Encoded.text(1, "a"))),
        Encoded.number(2, 1),
        Encoded.message(3, Encoded.text(1, "u"), Encoded.text(2, "service"), Encoded.text(3, "x"), Encoded.text(3, "y"))
      ),
      Encoded.message(
        2, Encoded.message(1, Encoded.text(1, "n"), Encoded.text(2, "v"), Encoded.number(4, 2)),
        Encoded.message(
          2, Encoded.fixed64(1, 1), Encoded.fixed64(11, 2), Encoded.number(2, 9), Encoded.text(3, "INFO"),
          Encoded.message(5),
          Encoded.number(7, 3), Encoded.fixed32(8, 1), Encoded.bytes(9, []), Encoded.text(12, "login")),
        Encoded.message(2), Encoded.text(3, "s")),
      Encoded.text(3, "r"))
    let request = try decode(json, .logs)
    #expect(request.payload.array == expected)
    #expect(request.itemCount == 2)
  }

  @Test(
    "The points of all five kinds of metrics",
    arguments: [
      (
        #""gauge":{"dataPoints":[{"asDouble":1.5},{"asInt":"-3"},{}]}"#,
        Encoded.message(
          5, Encoded.message(1, Encoded.double(4, 1.5)), Encoded.message(1, Encoded.fixed64(6, UInt64(bitPattern: -3))),
          Encoded.message(1)), 3
      ),
      (
        #""sum":{"dataPoints":[{"asInt":"0","timeUnixNano":"7"}],"aggregationTemporality":2,"isMonotonic":true}"#,
        Encoded.message(
          7, Encoded.message(1, Encoded.fixed64(6, 0), Encoded.fixed64(3, 7)), Encoded.number(2, 2),
          Encoded.number(3, 1)), 1
      ),
      (
        #""histogram":{"dataPoints":[{"count":"3","sum":0,"bucketCounts":[1,"2"],"explicitBounds":[0.5],"min":0,"#
          + #""max":2.5,"exemplars":[{"asInt":"4","spanId":"0000000000000001","#
          + #""filteredAttributes":[{"key":"k"}]}]}]}"#,
        Encoded.message(
          9,
          Encoded.message(
            1, Encoded.fixed64(4, 3), Encoded.double(5, 0), Encoded.bytes(6, Encoded.eight(1) + Encoded.eight(2)),
            Encoded.bytes(7, Encoded.eight(0.5.bitPattern)), Encoded.double(11, 0), Encoded.double(12, 2.5),
            Encoded.message(
              8, Encoded.fixed64(6, 4), Encoded.bytes(4, [0, 0, 0, 0, 0, 0, 0, 1]),
              Encoded.message(7, Encoded.text(1, "k"))))), 1
      ),
      (
        #""exponentialHistogram":{"dataPoints":[{"scale":-1,"zeroCount":"1","positive":{"offset":3,"#
          + #""bucketCounts":["300",1]},"negative":{},"zeroThreshold":0.25}],"aggregationTemporality":1}"#,
        Encoded.message(
          10,
          Encoded.message(
            1, Encoded.number(6, 1), Encoded.fixed64(7, 1),
            Encoded.message(8, Encoded.number(1, 6), Encoded.bytes(2, Encoded.varint(300) + [1])), Encoded.message(9),
            Encoded.double(14, 0.25)), Encoded.number(2, 1)), 1
      ),
      (
        #""summary":{"dataPoints":[{"count":"2","sum":1e3,"quantileValues":[{"quantile":0.5,"value":2}]}]}"#,
        Encoded.message(
          11,
          Encoded.message(
            1, Encoded.fixed64(4, 2), Encoded.double(5, 1000),
            Encoded.message(6, Encoded.double(1, 0.5), Encoded.double(2, 2)))), 1
      ),
    ])
  func points(json: String, metric: [UInt8], items: Int) throws {
    let request = try decode(JSONText.request(metric: json), .metrics)
    #expect(request.payload.array == Encoded.request(metric: metric))
    #expect(request.itemCount == items)
  }

  @Test(
    "An AnyValue keeps its member, also when that is the default",
    arguments: [
      ("{}", []), (#"{"stringValue":""}"#, Encoded.text(1, "")), (#"{"boolValue":false}"#, Encoded.number(2, 0)),
      (#"{"intValue":"0"}"#, Encoded.number(3, 0)), (#"{"intValue":-1}"#, Encoded.signed(3, -1)),
      (#"{"doubleValue":0.0}"#, Encoded.double(4, 0)), (#"{"doubleValue":-0}"#, Encoded.double(4, -0.0)),
      (#"{"arrayValue":{}}"#, Encoded.message(5)), (#"{"arrayValue":{"values":[]}}"#, Encoded.message(5)),
      (
        #"{"arrayValue":{"values":[{},{"boolValue":true}]}}"#,
        Encoded.message(5, Encoded.message(1), Encoded.message(1, Encoded.number(2, 1)))
      ),
      (
        #"{"kvlistValue":{"values":[{"key":"a","value":{}},{"value":null}]}}"#,
        Encoded.message(6, Encoded.message(1, Encoded.text(1, "a"), Encoded.message(2)), Encoded.message(1))
      ),
      (#"{"bytesValue":""}"#, Encoded.bytes(7, [])), (#"{"stringValue":null}"#, []),
    ] as [(String, [UInt8])])
  func anyValue(json: String, fields: [UInt8]) throws {
    let request = try decode(JSONText.request(value: json), .logs)
    #expect(request.payload.array == Encoded.request(value: fields))
  }

  @Test(
    "base64 in both alphabets, with and without padding",
    arguments: [
      ("+/8=", [0xfb, 0xff]), ("-_8", [0xfb, 0xff]), (#"+\/8="#, [0xfb, 0xff]), ("AA==", [0]), ("AA", [0]),
      ("AAEC", [0, 1, 2]),
    ] as [(String, [UInt8])])
  func base64(text: String, bytes: [UInt8]) throws {
    let request = try decode(JSONText.request(value: #"{"bytesValue":"\#(text)"}"#), .logs)
    #expect(request.payload.array == Encoded.request(value: Encoded.bytes(7, bytes)))
  }

  @Test("A null leaves out any field, whatever its type", arguments: Signal.allCases)
  func null(signal: Signal) throws {
    var path: [MessageKind] = []
    // An object with every field of the message: null, except the messages that lead to further ones.
    func json(_ kind: MessageKind) -> String {
      path.append(kind)
      defer { path.removeLast() }
      let fields = kind.fields.map { field -> String in
        guard let message = field.message, !path.contains(message) else { return "\"\(field.name)\":null" }
        return "\"\(field.name)\":" + (field.occurrence == .repeated ? "[\(json(message))]" : json(message))
      }
      return "{\(fields.joined(separator: ","))}"
    }
    let request = try decode(json(.request(of: signal)), signal)
    #expect(request.rejected == nil)
    #expect(try ExportRequest(stored: request.payload, signal: signal).payload == request.payload)
  }

  @Test("White space may be anywhere between tokens")
  func space() throws {
    let json = """
      \r\n {\t"resourceSpans" : [ {                     "scopeSpans" :[{ "spans": [ { "name" :\n"a" , "kind": 1 } \
      , { } ] }\n]\t}\n]}        \n
      """
    let request = try decode(json)
    #expect(request.itemCount == 2)
    #expect(
      request.payload.array
        == Encoded.message(
          1, Encoded.message(2, Encoded.message(2, Encoded.text(5, "a"), Encoded.number(6, 1)), Encoded.message(2))))
  }

  @Test("Names may be escaped or in snake_case")
  func names() throws {
    let json = #"""
      {"resource_spans":[{"scope\u0053pans":[{"\u0073pans":[{"start_time_unix_nano":"1","dropped_attributes_count":2,
      "parent_span_id":"0000000000000001"}]}]}]}
      """#
    let request = try decode(json)
    #expect(
      request.payload.array
        == Encoded.request(
          span: Encoded.fixed64(7, 1), Encoded.number(10, 2), Encoded.bytes(4, [0, 0, 0, 0, 0, 0, 0, 1])))
  }

  @Test(
    "Unknown names are ignored, whatever their value",
    arguments: [
      #""":1"#, #""x":{}"#, #""x":[]"#, #""x":[[[{"a":[{"b":[]}]}]]]"#, #""x":-1.5e300"#, #""x":1e99999"#,
      #""x":"\u00e9\ud83d\ude00é""#, #""x":[1,"2",true,false,null,{"traceId":1}]"#, #""Name":1"#, #""NAME":"b""#,
      #""resourceSpans_":[]"#, #""name ":5"#, #""\"":{"\\":"\/"}"#, #""nam":5"#, #""names":5"#,
      #""aVeryLongNameThatIsLongerThanAnyNameInTheSchemaAndDoesNotFitAnything":[]"#,
    ])
  func unknown(field: String) throws {
    let expected = Encoded.request(span: Encoded.text(5, "a"))
    #expect(try decode(JSONText.request(span: #"\#(field),"name":"a""#)).payload.array == expected)
    #expect(try decode(JSONText.request(span: #""name":"a",\#(field)"#)).payload.array == expected)
    #expect(try decode("{\(field)}").payload.isEmpty)
  }

  @Test("An unknown value may be nested deep, but not without end")
  func unknownDepth() throws {
    let deep = String(repeating: "[", count: 1000) + String(repeating: "]", count: 1000)
    #expect(try decode(#"{"x":\#(deep)}"#).payload.isEmpty)
    let objects = String(repeating: #"{"a":"#, count: 1000) + "1" + String(repeating: "}", count: 1000)
    #expect(try decode(#"{"x":\#(objects)}"#).payload.isEmpty)
    #expect(throws: DecodeError.self) { try decode(#"{"x":"# + String(repeating: "[", count: 1_000_000)) }
    #expect(throws: DecodeError.self) { try decode(#"{"x":"# + String(repeating: #"{"x":"#, count: 1_000_000)) }
  }

  @Test(
    "All escapes become the text they stand for",
    arguments: [
      (#"\"\\\/\b\f\n\r\t"#, "\"\\/\u{8}\u{c}\n\r\t"), (#"\u0000\u0041\u00e9\u20AC"#, "\0A\u{e9}\u{20ac}"),
      (#"\ud83d\ude00"#, "\u{1f600}"), (#"\uDBFF\uDFFF\uffff"#, "\u{10ffff}\u{ffff}"), ("é€😀\u{7f}", "é€😀\u{7f}"),
      ("0123456789abcde\\n", "0123456789abcde\n"),
      ("0123456789abcdef\\n0123456789abcdef", "0123456789abcdef\n0123456789abcdef"),
    ])
  func escapes(json: String, text: String) throws {
    for padding in [
      "", "x", "0123456789abcde", String(repeating: "y", count: 127), String(repeating: "z", count: 20_000),
    ] {
      let request = try decode(JSONText.request(span: #""name":"\#(padding)\#(json)""#))
      #expect(request.payload.array == Encoded.request(span: Encoded.text(5, padding + text)))
      let value = try decode(
        JSONText.request(
          logRecord: #""attributes":[{"key":"\#(json)\#(padding)","value":{"stringValue":"\#(padding)\#(json)"}}]"#),
        .logs)
      let expected = Encoded.request(
        logRecord: Encoded.message(
          6, Encoded.text(1, text + padding), Encoded.message(2, Encoded.text(1, padding + text))))
      #expect(value.payload.array == expected)
    }
  }

  @Test(
    "Names of enum values are tolerated",
    arguments: [
      (#""kind":"SPAN_KIND_SERVER""#, Encoded.number(6, 2)), (#""kind":"SPAN_KIND_UNSPECIFIED""#, Encoded.number(6, 0)),
      (#""kind":"SPAN_KIND_CONSUMER""#, Encoded.number(6, 5)), (#""kind":"3""#, Encoded.number(6, 3)),
      (#""status":{"code":"STATUS_CODE_ERROR"}"#, Encoded.message(15, Encoded.number(3, 2))),
      (#""kind":-1"#, Encoded.signed(6, -1)), (#""kind":2147483647"#, Encoded.number(6, 2_147_483_647)),
    ])
  func enumerations(json: String, field: [UInt8]) throws {
    #expect(try decode(JSONText.request(span: json)).payload.array == Encoded.request(span: field))
  }

  @Test("Severities and temporalities have names too")
  func otherEnumerations() throws {
    for (index, name) in ["UNSPECIFIED", "TRACE", "TRACE2", "TRACE3", "TRACE4", "DEBUG", "DEBUG2"].enumerated() {
      let request = try decode(JSONText.request(logRecord: #""severityNumber":"SEVERITY_NUMBER_\#(name)""#), .logs)
      #expect(request.payload.array == Encoded.request(logRecord: Encoded.number(2, UInt64(index))))
    }
    let fatal = try decode(JSONText.request(logRecord: #""severityNumber":"SEVERITY_NUMBER_FATAL4""#), .logs)
    #expect(fatal.payload.array == Encoded.request(logRecord: Encoded.number(2, 24)))
    let delta = #""sum":{"aggregationTemporality":"AGGREGATION_TEMPORALITY_DELTA"}"#
    #expect(
      try decode(JSONText.request(metric: delta), .metrics).payload.array
        == Encoded.request(metric: Encoded.message(7, Encoded.number(2, 1))))
  }

  @Test("Ids in base64 are taken and counted")
  func base64Identifiers() throws {
    let json = JSONText.request(
      span: #""traceId":"AAECAwQFBgcICQoLDA0ODw==","spanId":"AAECAwQFBv8=","parentSpanId":"0000000000000001""#)
    let request = try decode(json)
    let expected = Encoded.request(
      span: Encoded.bytes(1, Array(0...15)), Encoded.bytes(2, [0, 1, 2, 3, 4, 5, 6, 255]),
      Encoded.bytes(4, [0, 0, 0, 0, 0, 0, 0, 1]))
    #expect(request.payload.array == expected)
    #expect(request.leniencies.base64IDs == 2)
    #expect(request.rejected == nil)
    #expect(try decode("{}").leniencies.base64IDs == 0)
  }

  @Test("A slice of a larger buffer is decoded like bytes of its own")
  func slices() throws {
    let json = JSONText.request(span: #""name":"a""#)
    let all = Bytes("\(json)\(json)")
    let count = json.utf8.count
    for range in [0..<count, count..<(2 * count)] {
      let request = try ExportRequest(decoding: all.slice(range), as: .json, signal: .traces)
      #expect(request.payload.array == Encoded.request(span: Encoded.text(5, "a")))
    }
    #expect(throws: DecodeError.self) {
      try ExportRequest(decoding: all.slice(0..<(count - 1)), as: .json, signal: .traces)
    }
  }
}
