// Replies of other servers, which may be anything: they are read, or they say nothing.

internal import Bytes
internal import OTLP

/// `traces.response.json`, `status.pb`, and so on.
enum ReplyTargets {
  static let all =
    Signal.allCases.flatMap { signal in
      encodings.map { suffix, encoding in
        FuzzTarget(name: "\(signal.name).response.\(suffix)", tokens: tokens) { input in
          try checkResponse(Bytes(input), encoding, signal)
        }
      }
    }
    + encodings.map { suffix, encoding in
      FuzzTarget(name: "status.\(suffix)", tokens: tokens) { try checkStatus(Bytes($0), encoding) }
    }

  private static let encodings = [("json", Encoding.json), ("pb", .protobuf)]
  private static let tokens = ExportRequestTargets.jsonTokens

  private static func checkResponse(_ body: Bytes, _ encoding: Encoding, _ signal: Signal) throws -> Bool {
    guard let rejection = ExportResponse.rejection(in: body, encoding: encoding, signal: signal) else { return false }
    try require(rejection.itemCount >= 0, "\(rejection.itemCount) items")
    try require(rejection.itemCount > 0 || !rejection.message.isEmpty, "a rejection of nothing")
    let again = ExportResponse.success(rejection: rejection, signal: signal, encoding: encoding)
    try require(isUTF8(again) || encoding == .protobuf, "a reply that is no UTF-8")
    let read = ExportResponse.rejection(in: again, encoding: encoding, signal: signal)
    try require(read == rejection, "\(rejection) is read as \(String(describing: read))")
    return true
  }

  private static func checkStatus(_ body: Bytes, _ encoding: Encoding) throws -> Bool {
    guard let status = RPCStatus(decoding: body, as: encoding) else { return false }
    try require(
      status.message.utf8.count <= RPCStatus.messageBytesMax, "a message of \(status.message.utf8.count) bytes")
    let again = RPCStatus(decoding: status.encoded(as: encoding), as: encoding)
    try require(again == status, "\(status) is read as \(String(describing: again))")
    return true
  }
}
