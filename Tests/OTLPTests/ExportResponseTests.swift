// Replies to requests, written for clients and read from other collectors.

import Bytes
import Fuzzing
import OTLP
import Testing

struct ExportResponseTests {
  typealias Rejection = ExportRequest.Rejection

  @Test("Full success is no bytes in protobuf and an empty object in JSON")
  func fullSuccess() {
    #expect(ExportResponse.success(rejection: nil, signal: .traces, encoding: .protobuf).isEmpty)
    #expect(ExportResponse.success(rejection: nil, signal: .traces, encoding: .json).text == "{}")
  }

  @Test(
    "Partial success names the signal's items, with the count as a string in JSON",
    arguments: [(Signal.traces, "rejectedSpans"), (.metrics, "rejectedDataPoints"), (.logs, "rejectedLogRecords")])
  func partialSuccess(signal: Signal, name: String) {
    let rejection = Rejection(itemCount: 300, message: "bad \"id\"")
    let json = ExportResponse.success(rejection: rejection, signal: signal, encoding: .json)
    #expect(json.text == #"{"partialSuccess":{"\#(name)":"300","errorMessage":"bad \"id\""}}"#)
    let expected = Wire { response in
      response.field(1) { partial in
        partial.field(1, varint: 300)
        partial.field(2, text: "bad \"id\"")
      }
    }
    let protobuf = ExportResponse.success(rejection: rejection, signal: signal, encoding: .protobuf)
    #expect(protobuf.array == expected.bytes)
  }

  @Test("A warning has a message and no count")
  func warning() {
    let rejection = Rejection(itemCount: 0, message: "use hex")
    let json = ExportResponse.success(rejection: rejection, signal: .logs, encoding: .json)
    #expect(json.text == #"{"partialSuccess":{"errorMessage":"use hex"}}"#)
    let protobuf = ExportResponse.success(rejection: rejection, signal: .logs, encoding: .protobuf)
    #expect(protobuf.array == Wire { $0.field(1) { $0.field(2, text: "use hex") } }.bytes)
  }

  @Test("What we write we read, in both encodings and for every signal", arguments: Signal.allCases)
  func roundTrip(signal: Signal) {
    for rejection in [nil, Rejection(itemCount: 5, message: "é\n"), Rejection(itemCount: 0, message: "w")] {
      for encoding in [Encoding.protobuf, .json] {
        let body = ExportResponse.success(rejection: rejection, signal: signal, encoding: encoding)
        #expect(ExportResponse.rejection(in: body, encoding: encoding, signal: signal) == rejection)
      }
    }
  }

  @Test("A long message is cut between characters")
  func longMessage() {
    let rejection = Rejection(itemCount: 1, message: "x" + String(repeating: "é", count: 4000))
    let body = ExportResponse.success(rejection: rejection, signal: .traces, encoding: .json)
    let read = ExportResponse.rejection(in: body, encoding: .json, signal: .traces)
    #expect(read?.message == "x" + String(repeating: "é", count: 2047))
  }

  @Test(
    "JSON replies are read leniently",
    arguments: [
      (#"{"partialSuccess":{"rejectedSpans":2}}"#, 2), (#"{"partialSuccess":{"rejectedSpans":"2"}}"#, 2),
      (#" { "x" : [1,{"y":null}], "partialSuccess" : { "z":"", "rejectedSpans" : 2.0 } } "#, 2),
      (#"{"partial_success":{"rejected_spans":"2"}}"#, 2), (#"{"partialSuccess":{"rejectedLogRecords":"2"}}"#, nil),
      (#"{"partialSuccess":{}}"#, nil), (#"{"partialSuccess":null}"#, nil), (#"{"partialSuccess":[]}"#, nil),
      (#"{"partialSuccess":{"rejectedSpans":-1}}"#, nil), (#"{"partialSuccess":{"rejectedSpans":"many"}}"#, nil),
      (#"{"partialSuccess":{"rejectedSpans":null}}"#, nil), ("<html>", nil), ("", nil), ("{", nil), ("[]", nil),
      (#"{"partialSuccess":{"rejectedSpans":1}"#, nil), ("{}", nil), ("null", nil),
    ])
  func lenientJSON(text: String, count: Int?) {
    let rejection = ExportResponse.rejection(in: Bytes(text), encoding: .json, signal: .traces)
    #expect(rejection?.itemCount == count)
  }

  @Test("Odd protobuf replies are survived")
  func oddProtobuf() {
    let read = { (bytes: [UInt8]) in
      ExportResponse.rejection(in: Bytes(bytes), encoding: .protobuf, signal: .traces)
    }
    #expect(read([0x0a, 0x00]) == nil)
    #expect(read(Array("<html>".utf8)) == nil)
    #expect(read([0x0a, 0x7f, 0x08]) == nil)
    #expect(read([0x0a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01]) == nil)
    #expect(read([UInt8](repeating: 0xff, count: 40)) == nil)
    let unknown = Wire { response in
      response.field(9, text: "later")
      response.field(1) { partial in
        partial.field(1, varint: 4)
        partial.field(2, bytes: [0x61, 0xff])
        partial.field(5, fixed32: 1)
        partial.field(6, fixed64: 1)
      }
    }
    #expect(read(unknown.bytes) == Rejection(itemCount: 4, message: "a\u{fffd}"))
  }

  @Test("Random bytes are never more than unreadable")
  func randomReplies() {
    var random = RandomMessages(seed: 1)
    for _ in 0..<2_000 {
      let body = Bytes(random.data(Int(random.generator.next() % 40)))
      for encoding in [Encoding.protobuf, .json] {
        _ = ExportResponse.rejection(in: body, encoding: encoding, signal: .traces)
        _ = RPCStatus(decoding: body, as: encoding)
      }
    }
  }
}
