// How a gRPC call ended, and what that means for a batch.

internal import Bytes
package import HTTPClient
internal import OTLP
internal import Pipeline

/// A gRPC status: "gRPC over HTTP2", Responses.
package struct GRPCStatus: Sendable, Equatable {
  /// The codes that have a name in OTLP/gRPC's table.
  package enum Code: Int, Sendable, CaseIterable {
    case ok, cancelled, unknown, invalidArgument, deadlineExceeded, notFound, alreadyExists, permissionDenied
    case resourceExhausted, failedPrecondition, aborted, outOfRange, unimplemented, `internal`, unavailable
    case dataLoss, unauthenticated

    /// `RESOURCE_EXHAUSTED`.
    package var name: String {
      "\(self)".reduce(into: "") { $0 += $1.isUppercase ? "_\($1)" : $1.uppercased() }
    }
  }

  package let code: Code
  package let message: String
  /// What google.rpc.RetryInfo asks for, if there is one.
  package let retryDelay: Duration?

  /// Reads the status from the trailers, or from the headers of a response that has nothing else ("Trailers-Only").
  package init(_ response: HTTPClientResponse) {
    // Trailers come last, and they count.
    func last(_ name: String) -> String? { response.fields.last { $0.name.lowercased() == name }?.value }
    guard let number = last("grpc-status").flatMap({ Int($0) }) else {
      self.init(httpStatus: response.status)
      return
    }
    self.init(
      code: Code(rawValue: number) ?? .unknown, message: (last("grpc-message") ?? "").percentDecoded,
      retryDelay: last("grpc-status-details-bin").flatMap(Self.details).flatMap(RetryInfo.delay))
  }

  package init(code: Code, message: String, retryDelay: Duration? = nil) {
    self.code = code
    self.message = message
    self.retryDelay = retryDelay
  }

  /// gRPC "HTTP to gRPC Status Code Mapping": what a proxy in between means.
  private init(httpStatus: Int) {
    let code: Code =
      switch httpStatus {
      case 400: .internal
      case 401: .unauthenticated
      case 403: .permissionDenied
      case 404: .unimplemented
      // A redirect, or a page: no gRPC server at all. gRPC says UNKNOWN, which would empty the queue.
      case 200..<400: .unimplemented
      case 429, 502, 503, 504: .unavailable
      default: .unknown
      }
    self.init(code: code, message: "no gRPC status; HTTP status \(httpStatus)")
  }

  /// gRPC "Custom-Metadata": binary values are base64, with or without padding.
  private static func details(_ text: String) -> Bytes? {
    let missing = (4 - text.utf8.count % 4) % 4
    return Bytes(text + String(repeating: "=", count: missing)).decodedBase64
  }
}

extension OTLPAnswer {
  /// The verdict of OTLP/gRPC "Failures" on a call that did not end with OK.
  package init(_ status: GRPCStatus, from url: String) {
    let said = status.message.printable(scalarsMax: 200)
    let detail = "\(url) answered \(status.code.name)" + (said.isEmpty ? "" : ": \(said)")
    let wait = status.retryDelay.map { min($0, RetryAfter.longest) }
    let isTooLarge = wait == nil && Self.isAboutSize(said)
    switch status.code {
    case .ok: self = .delivered(nil)
    // Servers that refuse a size say RESOURCE_EXHAUSTED, and some OUT_OF_RANGE.
    case .resourceExhausted where isTooLarge, .outOfRange where isTooLarge:
      self = .failed(.tooLarge(reason: detail))
    case .cancelled, .deadlineExceeded, .aborted, .outOfRange, .unavailable, .dataLoss:
      self = .failed(.retryable(after: wait, reason: detail))
    // OTLP/gRPC "Throttling": retryable only with RetryInfo.
    case .resourceExhausted where wait != nil: self = .failed(.retryable(after: wait, reason: detail))
    // A mistake in a configuration stops the signal and never empties the queue.
    case .unauthenticated:
      self = .failed(.blocked(reason: detail + ". Set credentials that it accepts, in the sink's headers or auth."))
    case .permissionDenied: self = .failed(.blocked(reason: detail + ". Let these credentials send there."))
    case .unimplemented, .notFound:
      let hint = "Check that the endpoint speaks OTLP/gRPC and takes this signal."
      self = .failed(.blocked(reason: detail + ". " + hint))
    case .invalidArgument: self = .failed(.invalid(reason: detail))
    case .unknown, .alreadyExists, .failedPrecondition, .internal, .resourceExhausted:
      self = .rejected(label: "rejected_\(status.code.name.lowercased())", detail: detail)
    }
  }
}

extension String {
  /// gRPC "Status-Message": percent-encoded UTF-8; what is not well-formed stays as it is.
  fileprivate var percentDecoded: String {
    var (decoded, rest): ([UInt8], Substring.UTF8View) = ([], self[...].utf8)
    while let byte = rest.popFirst() {
      if byte == UInt8(ascii: "%"), rest.count >= 2, let value = UInt8(Substring(rest.prefix(2)), radix: 16) {
        decoded.append(value)
        rest = rest.dropFirst(2)
      } else {
        decoded.append(byte)
      }
    }
    return String(decoding: decoded, as: UTF8.self)
  }
}
