// What an answer means for the batch that was sent.

package import HTTPClient
package import OTLP
package import Pipeline

/// The verdict on one request.
package enum OTLPAnswer: Sendable, Equatable {
  /// Taken, perhaps without some items.
  case delivered(ExportRequest.Rejection?)
  /// Not taken; the worker knows what to do.
  case failed(ExportError)
  /// Will never be taken. `label` is a short word for counters, `detail` tells the operator what the other side said.
  case rejected(label: String, detail: String)

  /// The verdict on a request that got no answer.
  ///
  /// - Parameter url: where it was sent, for the text; without credentials.
  package init(_ error: HTTPClientError, to url: String) {
    let detail = "\(url): \(error.description.printable)"
    switch error {
    case .transport, .timedOut, .interrupted: self = .failed(.retryable(after: nil, reason: detail))
    case .unavailable, .unusable: self = .failed(.blocked(reason: detail))
    // OTLP 1.11 "Response Limits": over the limit is an error that is not retried.
    case .responseTooLarge: self = .rejected(label: "response_too_large", detail: detail)
    }
  }

  /// Whether a refusal is about the request's size, as many servers say in words only.
  static func isAboutSize(_ message: String) -> Bool {
    let message = message.lowercased()
    return ["too large", "too big", "larger than max", "exceeds the limit", "exceeds the maximum", "size exceeded"]
      .contains { message.contains($0) }
  }
}
