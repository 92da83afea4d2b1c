// google.rpc.Status, the body of every refusal.

import Bytes
import Fuzzing
import OTLP
import Testing

struct RPCStatusTests {
  @Test("A status is written in the request's encoding")
  func encodings() {
    let status = RPCStatus(code: 3, message: "line \"1\"\né")
    #expect(status.encoded(as: .json).text == #"{"code":3,"message":"line \"1\"\né"}"#)
    let wire = Wire { message in
      message.field(1, varint: 3)
      message.field(2, text: "line \"1\"\né")
    }
    #expect(status.encoded(as: .protobuf).array == wire.bytes)
  }

  @Test("A status without code and message is empty in protobuf")
  func empty() {
    #expect(RPCStatus(code: 0, message: "").encoded(as: .protobuf).isEmpty)
    #expect(RPCStatus(code: 0, message: "").encoded(as: .json).text == #"{"code":0,"message":""}"#)
  }

  @Test("A long message is cut at 4 KiB, between characters")
  func longMessage() {
    #expect(RPCStatus(code: 3, message: String(repeating: "x", count: 4096)).message.utf8.count == 4096)
    #expect(RPCStatus(code: 3, message: String(repeating: "x", count: 5000)).message.utf8.count == 4096)
    let status = RPCStatus(code: 3, message: "xx" + String(repeating: "😀", count: 2000))
    #expect(status.message == "xx" + String(repeating: "😀", count: 1023))
  }

  @Test("What we write we read", arguments: [Encoding.protobuf, .json])
  func roundTrip(encoding: Encoding) {
    let status = RPCStatus(code: 14, message: "busy\u{0}é")
    #expect(RPCStatus(decoding: status.encoded(as: encoding), as: encoding) == status)
  }

  @Test("Another server's status is read leniently")
  func lenient() {
    let text = #"{"details":[{"@type":"x"}],"code":"8","message":null}"#
    #expect(RPCStatus(decoding: Bytes(text), as: .json) == RPCStatus(code: 8, message: ""))
    #expect(RPCStatus(decoding: Bytes("Bad Request"), as: .json) == nil)
    #expect(RPCStatus(decoding: Bytes("Bad Request"), as: .protobuf) == nil)
  }
}
