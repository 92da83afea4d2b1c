// gRPC's status codes, and how they are written.

internal import HTTPServer
internal import OTLP

/// The codes of gRPC that otlpd answers with (google.rpc.Code).
enum GRPCStatus: Int, Sendable, CaseIterable {
  case ok = 0
  case invalidArgument = 3
  case deadlineExceeded = 4
  case resourceExhausted = 8
  case unimplemented = 12
  case `internal` = 13
  case unavailable = 14
  case unauthenticated = 16

  /// The code's name as gRPC's documents write it.
  var name: String {
    switch self {
    case .ok: "OK"
    case .invalidArgument: "INVALID_ARGUMENT"
    case .deadlineExceeded: "DEADLINE_EXCEEDED"
    case .resourceExhausted: "RESOURCE_EXHAUSTED"
    case .unimplemented: "UNIMPLEMENTED"
    case .internal: "INTERNAL"
    case .unavailable: "UNAVAILABLE"
    case .unauthenticated: "UNAUTHENTICATED"
    }
  }

  /// How long a client should wait before it sends an UNAVAILABLE request again.
  private static let retrySeconds = 1

  /// The fields that end a call with this status.
  func fields(_ message: String) -> [HTTPHeader] {
    let message = RPCStatus(code: rawValue, message: message)
    var fields = [
      HTTPHeader("grpc-status", String(rawValue)),
      HTTPHeader("grpc-message", GRPCStatus.percentEncoded(message.message)),
    ]
    if self == .unavailable {
      // gRPC over HTTP2, "Responses": a google.rpc.Status with details; binary fields are base64.
      let details = message.details(retryAfterSeconds: GRPCStatus.retrySeconds)
      fields.append(HTTPHeader("grpc-status-details-bin", details))
    }
    return fields
  }

  /// gRPC over HTTP2, "Responses": printable ASCII without `%` as it is, every other byte of the UTF-8 as `%XX`.
  private static func percentEncoded(_ text: String) -> String {
    if text.utf8.allSatisfy({ $0 >= 0x20 && $0 <= 0x7E && $0 != UInt8(ascii: "%") }) { return text }
    var encoded = ""
    for byte in text.utf8 {
      if byte >= 0x20 && byte <= 0x7E && byte != UInt8(ascii: "%") {
        encoded.unicodeScalars.append(Unicode.Scalar(byte))
      } else {
        let digits = String(byte, radix: 16, uppercase: true)
        encoded += digits.count == 1 ? "%0\(digits)" : "%\(digits)"
      }
    }
    return encoded
  }
}
