// Why a request has no response.

/// A request that ended without a usable response.
package enum HTTPClientError: Error, Sendable, Equatable, CustomStringConvertible {
  /// libcurl is missing or does not start: nothing can be sent until that is mended.
  case unavailable(String)
  /// The settings or the request can never work: a certificate file, a URL or a header that is no such thing.
  case unusable(String)
  /// The other side was not reached, or went away before its response was complete.
  case transport(String)
  /// The time limit passed before the response was complete.
  case timedOut(String)
  /// The response's body is longer than the settings allow.
  case responseTooLarge(bytesMax: Int)
  /// `Interruption.interrupt` was called.
  case interrupted

  package var description: String {
    switch self {
    case .unavailable(let reason), .unusable(let reason), .transport(let reason), .timedOut(let reason): reason
    case .responseTooLarge(let bytesMax): "the response is longer than \(bytesMax) bytes"
    case .interrupted: "interrupted by the shutdown"
    }
  }
}
