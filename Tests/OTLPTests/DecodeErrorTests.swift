// What a client's developer is told about bytes that were refused.

import Bytes
import OTLP
import Testing

@Suite("DecodeError")
struct DecodeErrorTests {
  private func refusal(_ json: String, _ signal: Signal = .traces) -> DecodeError? {
    #expect(throws: DecodeError.self) { try decode(json, signal) }
  }

  private func refusal(_ protobuf: [UInt8], _ signal: Signal = .traces) -> DecodeError? {
    #expect(throws: DecodeError.self) { try decode(protobuf, signal) }
  }

  @Test(
    "JSON that is no OTLP is refused with what was expected and found",
    arguments: [
      ("", "expected an object, found the end of the document", 0),
      ("   ", "expected an object, found the end of the document", 3),
      ("[]", "expected an object, found '['", 0), ("null", "expected an object, found 'null'", 0),
      ("{", "expected a name in double quotes, found the end of the document", 1),
      ("{}{}", "expected the end of the document, found '{'", 2),
      ("{} x", "expected the end of the document, found 'x'", 3),
      ("{'a':1}", "expected a name in double quotes, found '''", 1),
      ("{a:1}", "expected a name in double quotes, found 'a'", 1),
      (#"{"a" 1}"#, "expected ':', found '1'", 5), (#"{"a":1,}"#, "expected a name in double quotes, found '}'", 7),
      (#"{"a":1 "b":2}"#, #"expected ',' or '}', found "b""#, 7), (#"{"a":tru}"#, "expected a value, found 'tru'", 5),
      (#"{"a":[1,]}"#, "expected a value, found ']'", 8), (#"{"a":[1 2]}"#, "expected ',' or ']', found '2'", 8),
      (#"{"a":{"b"}}"#, "expected ':', found '}'", 9), (#"{"a":01}"#, "expected a value, found '01'", 5),
      (#"{"a":"\x"}"#, #"expected a valid escape sequence, found '\x'"#, 6),
      (#"{"a":"\ud800"}"#, #"expected a pair of surrogates, found '\ud800'"#, 6),
      ("{\"a\":\"\n\"}", "expected text without raw control characters, found the byte 0x0a", 6),
      ("\u{feff}{}", "expected an object, found a byte order mark; send plain UTF-8", 0),
      (#"{"a":/**/1}"#, "expected a value, found '/'", 5), (#"{"a":NaN}"#, "expected a value, found 'NaN'", 5),
    ] as [(String, String, Int)])
  func grammar(json: String, problem: String, byte: Int) throws {
    let error = try #require(refusal(json))
    #expect(error.problem == problem)
    #expect(error.byte == byte)
  }

  @Test(
    "A wrong value is named by its path",
    arguments: [
      (#""traceId":"0102030405060708090a0b0c0d0e0f0""#, "traceId: expected 32 hex digits, found 31 (at byte 60)"),
      (#""spanId":"xyz""#, #"spanId: expected 16 hex digits, found "xyz" (at byte 59)"#),
      (#""spanId":5"#, "spanId: expected a string, found '5' (at byte 59)"),
      (#""name":{}"#, "name: expected a string, found '{' (at byte 57)"),
      (#""kind":"loud""#, #"kind: expected an enum's number, found "loud" (at byte 57)"#),
      (#""attributes":{}"#, "attributes: expected an array, found '{' (at byte 63)"),
      (#""attributes":[null]"#, "attributes[0]: expected an object, found 'null' (at byte 64)"),
      (
        #""attributes":[{"key":"a"},{"value":{"boolValue":1}}]"#,
        "attributes[1].value.boolValue: expected true or false, found '1' (at byte 98)"
      ),
      (
        #""links":[{},{"flags":-1}]"#,
        "links[1].flags: expected an integer in the field's range, found '-1' (at byte 71)"
      ),
      (
        #""status":{"code":2147483648}"#,
        "status.code: expected an integer from -2147483648 to 2147483647, found '2147483648' (at byte 67)"
      ),
    ])
  func path(field: String, description: String) throws {
    let error = try #require(refusal(#"{"resourceSpans":[{"scopeSpans":[{},{"spans":[{},{\#(field)}]}]}]}"#))
    #expect(error.description == "resourceSpans[0].scopeSpans[1].spans[1]." + description)
  }

  @Test("Quoted input is cut and valid UTF-8")
  func quotes() throws {
    let long = try #require(refusal(JSONText.request(span: #""spanId":"\#(String(repeating: "€", count: 1000))""#)))
    #expect(long.problem.utf8.count < 200 && long.problem.hasSuffix("…"))
    let deep = String(repeating: #"{"arrayValue":{"values":["#, count: 60)
    let path = try #require(refusal(JSONText.request(value: deep), .logs)).path
    #expect(path.utf8.count < 1000 && path.contains("…"))
  }

  @Test("Invalid UTF-8 and UTF-16 are refused")
  func otherEncodings() {
    let name = Array(#"{"resourceSpans":[{"scopeSpans":[{"spans":[{"name":""#.utf8)
    for bad: [UInt8] in [[0x80], [0xc3], [0xc0, 0xaf], [0xed, 0xa0, 0x80], [0xf5, 0x80, 0x80, 0x80], [0xff], [0x00]] {
      let json = name + bad + Array("\"}]}]}]}".utf8)
      #expect(throws: DecodeError.self) { try ExportRequest(decoding: Bytes(json), as: .json, signal: .traces) }
      let unknown = Array("{\"x\":\"".utf8) + bad + Array("\"}".utf8)
      #expect(throws: DecodeError.self) { try ExportRequest(decoding: Bytes(unknown), as: .json, signal: .traces) }
    }
    for mark: [UInt8] in [[], [0xfe, 0xff]] {
      let utf16 = mark + "{}".utf16.flatMap { [UInt8($0 >> 8), UInt8($0 & 0xff)] }
      #expect(throws: DecodeError.self) { try ExportRequest(decoding: Bytes(utf16), as: .json, signal: .traces) }
    }
  }

  @Test("Messages too deep are refused in JSON at the depth that protobuf allows")
  func depth() throws {
    func arrays(_ count: Int) -> String {
      JSONText.request(
        value: String(repeating: #"{"arrayValue":{"values":["#, count: count) + "{}"
          + String(repeating: "]}}", count: count))
    }
    // Request, ResourceLogs, ScopeLogs, LogRecord and AnyValue are five, each array adds two.
    #expect(try decode(arrays(47), .logs).itemCount == 1)
    #expect(try #require(refusal(arrays(48), .logs)).problem == "nested deeper than 100 messages")
    _ = refusal(JSONText.request(value: String(repeating: #"{"arrayValue":{"values":["#, count: 1_000_000)), .logs)
    _ = refusal(String(repeating: #"{"resourceSpans":["#, count: 1_000_000))
    _ = refusal(String(repeating: "[", count: 1_000_000))
  }

  @Test(
    "Protobuf is refused with the path of the broken field",
    arguments: [
      (Encoded.bytes(5, [0xff]), "name: expected UTF-8 text, found other bytes (at byte 6)"),
      (
        Encoded.message(9, Encoded.text(1, "a")) + Encoded.message(9, Encoded.bytes(1, [0xff])),
        "attributes[1].key: expected UTF-8 text, found other bytes (at byte 13)"
      ),
      (Encoded.tag(5, 2) + [100], "name: the field reaches beyond the end of its message (at byte 6)"),
    ] as [([UInt8], String)])
  func protobufPath(fields: [UInt8], description: String) throws {
    let error = try #require(refusal(Encoded.request(span: fields)))
    #expect(error.description == "resourceSpans[0].scopeSpans[0].spans[0]." + description)
  }

  @Test("A JSON document that is cut anywhere is refused")
  func cuts() throws {
    let json = #"""
      {"resourceSpans":[{"resource":{"attributes":[{"key":"a","value":{"arrayValue":{"values":[{"doubleValue":-1.5e3},
      {"bytesValue":"AAE="}]}}}]},"scopeSpans":[{"spans":[{"traceId":"5B8EFFF798038103D269B633813FC60C","x":[null,true],
      "name":"\u00e9 é","kind":2,"startTimeUnixNano":"1544712660000000000","flags":1}]}]}]}
      """#
    #expect(try decode(json).itemCount == 1)
    let bytes = Array(json.utf8)
    for count in bytes.indices {
      let cut = Bytes(bytes[..<count])
      #expect(throws: DecodeError.self, "\(count)") { try ExportRequest(decoding: cut, as: .json, signal: .traces) }
      let slice = Bytes(bytes).slice(0..<count)
      #expect(throws: DecodeError.self, "\(count)") { try ExportRequest(decoding: slice, as: .json, signal: .traces) }
    }
  }
}
