// A request that the server itself refuses, before any handler has seen it.

internal import Bytes

/// Why a request was refused, for whoever writes the answer's body.
package struct HTTPRefusal: Error, Sendable, Equatable {
  /// The kinds of refusal; each has one status.
  package enum Reason: Sendable, Equatable {
    case malformed
    /// The first bytes are a TLS handshake, on a port without TLS.
    case tlsHandshake
    /// The first bytes are HTTP/2's preface, on a port without HTTP/2.
    case http2Preface
    /// The request did not arrive in time.
    case timeout
    /// The request has no valid credentials.
    case unauthenticated
    case bodyTooLarge
    case targetTooLong
    case contentCodingUnsupported
    case expectationUnsupported
    case headTooLarge
    case transferCodingUnsupported
    case versionUnsupported
    /// A gRPC message in an encoding that we do not have.
    case messageEncodingUnsupported
    /// A gRPC message that is marked as compressed, by nobody knows what.
    case messageEncodingMissing
    /// There are too many connections.
    case overloaded
    /// Memory did not become free in time.
    case memoryFull
    /// The handler did not answer in time.
    case answerOverdue
  }

  package let reason: Reason
  /// One sentence for the client's developer: what is wrong, and where.
  package let message: String
  /// The request's path, or nothing when the refusal came before it was known.
  package var path = ""
  /// The request's Content-Type, when it was known.
  package var contentType: String?
  /// What the answer must say besides what its reason always needs.
  private let fields: [HTTPHeader]

  package init(_ reason: Reason, _ message: String, fields: [HTTPHeader] = []) {
    self.reason = reason
    self.message = message
    self.fields = fields
  }

  static let noMemory = HTTPRefusal(.memoryFull, "there is no memory for this request now: send it again later")

  /// The refusal with what is known of its request.
  func located(at request: HTTPRequest) -> HTTPRefusal {
    var located = self
    located.path = request.path
    located.contentType = request.header("content-type")
    return located
  }

  /// The status that RFC 9110 and RFC 6585 give this reason.
  package var status: Int {
    switch reason {
    case .malformed, .tlsHandshake, .http2Preface, .messageEncodingMissing: 400
    case .unauthenticated: 401
    case .timeout: 408
    case .bodyTooLarge: 413
    case .targetTooLong: 414
    case .contentCodingUnsupported, .messageEncodingUnsupported: 415
    case .expectationUnsupported: 417
    case .headTooLarge: 431
    case .transferCodingUnsupported: 501
    case .overloaded, .memoryFull, .answerOverdue: 503
    case .versionUnsupported: 505
    }
  }

  /// What the answer must say besides its body; the server adds it.
  var headers: [HTTPHeader] {
    switch reason {
    // gRPC, "Compression": tell which encodings are understood.
    case .messageEncodingUnsupported: [HTTPHeader("grpc-accept-encoding", "identity,gzip,zstd")]
    case .overloaded, .memoryFull, .answerOverdue: [HTTPHeader("Retry-After", "1")]
    default: fields
    }
  }

  /// The refusal as one line of text.
  package var textResponse: HTTPResponse {
    HTTPResponse(status: status, contentType: "text/plain; charset=utf-8", body: Bytes(message + "\n"))
  }
}
