// Requests in OTLP's JSON encoding.

import Bytes
import Fuzzing
import OTLP
import Testing

struct JSONWriterTests {
  @Test("A span is written with hex ids, 64-bit numbers as strings and enums as numbers")
  func span() throws {
    let request = try ExportRequest.fixture(.traces, resource: { $0.pair(1, "service.name", "shop") }) { scope in
      scope.field(2, SpanViewTests.fullSpan)
      scope.field(3, text: "urn:s")
    }
    #expect(
      request.json == """
        {"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"shop"}}]},\
        "scopeSpans":[{"spans":[{"traceId":"0102030405060708090a0b0c0d0e0f10","spanId":"2122232425262728",\
        "traceState":"vendor=1","parentSpanId":"3132333435363738","name":"GET /orders","kind":2,\
        "startTimeUnixNano":"1000","endTimeUnixNano":"18446744073709551615","attributes":[\
        {"key":"http.route","value":{"stringValue":"/orders"}},{"key":"n","value":{"intValue":"-5"}}],\
        "droppedAttributesCount":4,"events":[{"timeUnixNano":"1500","name":"retry","attributes":[\
        {"key":"attempt","value":{"intValue":"2"}}],"droppedAttributesCount":7}],"droppedEventsCount":5,\
        "links":[{"traceId":"0102030405060708090a0b0c0d0e0f10","spanId":"2122232425262728","traceState":"a=b",\
        "attributes":[{"key":"why","value":{"stringValue":"batch"}}],"droppedAttributesCount":8,"flags":257}],\
        "droppedLinksCount":6,"status":{"message":"boom","code":2},"flags":769}],"schemaUrl":"urn:s"}]}]}
        """)
  }

  @Test("A request without telemetry is an empty object")
  func emptyRequest() throws {
    #expect(try ExportRequest(decoding: Bytes(), as: .protobuf, signal: .logs).json == "{}")
  }

  @Test("Defaults are left out, but what has presence is kept even when it is empty")
  func presence() throws {
    let request = try ExportRequest.fixture(.traces, resource: { _ in }, scope: { _ in }) { scope in
      scope.field(2) { span in
        span.field(1, bytes: [])
        span.field(5, text: "")
        span.field(6, varint: 0)
        span.field(7, fixed64: 0)
        span.field(9) { $0.field(2) { _ in } }
        span.field(9) { $0.field(1, text: "k") }
        span.field(9) { _ in }
        span.field(15) { _ in }
        span.field(16, fixed32: 0)
      }
      scope.field(2) { _ in }
    }
    #expect(
      request.json == """
        {"resourceSpans":[{"resource":{},"scopeSpans":[{"scope":{},"spans":[\
        {"attributes":[{"value":{}},{"key":"k"},{}],"status":{}},{}]}]}]}
        """)
  }

  @Test("Every kind of value keeps its type")
  func values() throws {
    let request = try ExportRequest.fixture(.logs) { scope in
      scope.field(2) { record in
        record.field(5) { body in
          body.field(5) { array in
            array.field(1) { $0.field(1, text: "") }
            array.field(1) { $0.field(2, varint: 0) }
            array.field(1) { $0.field(3, int: .min) }
            for value in [5, -0.0, 1e300, .leastNonzeroMagnitude, .nan, .infinity, -.infinity] {
              array.field(1) { $0.field(4, double: value) }
            }
            array.field(1) { $0.field(5) { _ in } }
            array.field(1) { $0.field(6) { _ in } }
            array.field(1) { $0.field(6) { $0.pair(1, "k", "v") } }
            array.field(1) { $0.field(7, bytes: [0xfb, 0xff]) }
            array.field(1) { $0.field(7, bytes: []) }
            array.field(1) { _ in }
          }
        }
      }
    }
    #expect(
      request.json == """
        {"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":{"arrayValue":{"values":[{"stringValue":""},\
        {"boolValue":false},{"intValue":"-9223372036854775808"},{"doubleValue":5.0},{"doubleValue":-0.0},\
        {"doubleValue":1e+300},{"doubleValue":5e-324},{"doubleValue":"NaN"},{"doubleValue":"Infinity"},\
        {"doubleValue":"-Infinity"},{"arrayValue":{}},{"kvlistValue":{}},\
        {"kvlistValue":{"values":[{"key":"k","value":{"stringValue":"v"}}]}},{"bytesValue":"+/8="},\
        {"bytesValue":""},{}]}}}]}]}]}
        """)
  }

  @Test("Points keep the difference between absent and zero, and numbers in either packing")
  func points() throws {
    let request = try MetricViewTests.points(.histogram, data: { $0.field(2, varint: 1) }) { point in
      point.field(3, fixed64: 5)
      point.field(4, fixed64: 3)
      point.field(5, double: 0)
      point.field(6, fixed64: 1)
      point.field(6) { $0.raw(fixed64: 2) }
      point.field(7, bytes: [])
      point.field(11, double: .nan)
      point.field(8, MetricViewTests.exemplar)
    }
    #expect(
      request.json == """
        {"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"name":"name","description":"text","unit":"ms",\
        "histogram":{"dataPoints":[{"timeUnixNano":"5","count":"3","sum":0.0,"bucketCounts":["1","2"],\
        "exemplars":[{"timeUnixNano":"77","spanId":"2122232425262728",\
        "traceId":"0102030405060708090a0b0c0d0e0f10","asInt":"-9",\
        "filteredAttributes":[{"key":"k","value":{"stringValue":"v"}}]}],"min":"NaN"}],\
        "aggregationTemporality":1},"metadata":[{"key":"m","value":{"stringValue":"d"}}]}]}]}]}
        """)
  }

  @Test(
    "Text is escaped where JSON demands it, and nowhere else",
    arguments: [
      ("plain", "plain"), ("a\"b\\c", #"a\"b\\c"#), ("\u{0}\u{1}\u{1f}", #"\u0000\u0001\u001f"#),
      ("\u{8}\t\n\u{c}\r", #"\b\t\n\f\r"#), ("é☃😀\u{7f}/", "é☃😀\u{7f}/"),
      ("12345678\"", #"12345678\""#), ("1234567\n12345678\n", #"1234567\n12345678\n"#), ("ééééé\"é", #"ééééé\"é"#),
      ("!#[]", "!#[]"),
    ])
  func escapes(text: String, expected: String) throws {
    let request = try ExportRequest.fixture(.logs) { $0.field(2) { $0.field(3, text: text) } }
    #expect(
      request.json == #"{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"severityText":"\#(expected)"}]}]}]}"#)
  }

  @Test("Every byte is escaped right at every offset of a word")
  func escapeOffsets() throws {
    for scalar in (0..<0x100).compactMap(UnicodeScalar.init) {
      for offset in 0..<17 {
        let text = String(repeating: "x", count: offset) + String(Character(scalar)) + "yyyyyyyy\"z"
        let request = try ExportRequest.fixture(.logs) { $0.field(2) { $0.field(3, text: text) } }
        let again = try ExportRequest(decoding: Bytes(request.json), as: .json, signal: .logs)
        #expect(again.payload == request.payload)
      }
    }
  }

  @Test("Unknown fields are left out")
  func unknownFields() throws {
    let request = try ExportRequest.fixture(.logs) { scope in
      scope.field(2) { record in
        record.field(3, varint: 5)
        record.field(40, text: "later")
        record.field(4, text: "never used")
      }
      scope.field(9, text: "later")
    }
    #expect(request.json == #"{"resourceLogs":[{"scopeLogs":[{"logRecords":[{}]}]}]}"#)
  }

  @Test("Single values and attribute lists are written alone")
  func parts() throws {
    let request = try ExportRequest.fixture(.logs) { scope in
      scope.field(2) { record in
        record.field(5) { $0.field(3, int: 5) }
        record.pair(6, "k", "v")
      }
    }
    request.forEachLogRecord { _, _, record in
      #expect(appended { record.body.appendJSON(to: &$0) } == #"{"intValue":"5"}"#)
      #expect(
        appended { record.attributes.appendJSON(to: &$0) } == #"[{"key":"k","value":{"stringValue":"v"}}]"#)
    }
  }

  @Test("Random requests survive the way to JSON and back, byte for byte", arguments: Signal.allCases)
  func roundTrip(signal: Signal) throws {
    for seed in 0..<200 {
      var random = RandomMessages(seed: UInt64(seed) * 3 + UInt64(signal.rawValue))
      let wire = Bytes(random.message(.request(of: signal)).bytes)
      let request = try ExportRequest(decoding: wire, as: .protobuf, signal: signal)
      let again = try ExportRequest(decoding: Bytes(request.json), as: .json, signal: signal)
      try #require(again.payload == request.payload, "seed \(seed)")
      #expect(again.itemCount == request.itemCount)
    }
  }

  @Test("The deepest value that is let in is written in both forms and read back")
  func deepest() throws {
    var value = Wire { $0.field(1, text: "core") }
    var deepest: ExportRequest?
    for _ in 0..<100 {
      let outer = Wire { wire in wire.field(6) { $0.field(1) { $0.field(2, bytes: value.bytes) } } }
      let request = try? ExportRequest.fixture(.logs) { $0.field(2) { $0.field(5, bytes: outer.bytes) } }
      guard let request else { break }
      (value, deepest) = (outer, request)
    }
    let request = try #require(deepest)
    let again = try ExportRequest(decoding: Bytes(request.json), as: .json, signal: .logs)
    #expect(again.payload == request.payload)
    try request.forEachLogRecord { (_, _, record) throws in
      let flat = appended { FlatJSON.append(record.body, to: &$0) }
      #expect(try FlatJSON.value(from: Bytes(flat)).array == value.bytes)
    }
  }

  @Test("Whatever is let in can be visited and written", arguments: Signal.allCases)
  func mutations(signal: Signal) throws {
    var random = RandomMessages(seed: UInt64(signal.rawValue))
    var accepted = 0
    for _ in 0..<3_000 {
      var bytes = random.message(.request(of: signal), depth: 5).bytes
      for _ in 0...(random.generator.next() % 3) where !bytes.isEmpty {
        let index = Int(random.generator.next() % UInt64(bytes.count))
        bytes[index] = UInt8(truncatingIfNeeded: random.generator.next())
      }
      guard let request = try? ExportRequest(decoding: Bytes(bytes), as: .protobuf, signal: signal) else { continue }
      accepted += 1
      let again = try ExportRequest(decoding: Bytes(request.json), as: .json, signal: signal)
      #expect(again.itemCount == request.itemCount)
      #expect(again.json == request.json)
    }
    #expect(accepted > 100)
  }
}
