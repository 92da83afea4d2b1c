// What a server's answer means for the requests it was sent.

package import HTTPClient
package import OTLP

/// The verdict on one posted body: OTLP/HTTP "Response", every status and every odd answer.
package enum OTLPHTTPAnswer: Sendable, Equatable {
  /// Taken, perhaps without some items.
  case delivered(ExportRequest.Rejection?)
  /// More than the server takes at once: smaller bodies may be taken.
  case tooLarge(detail: String)
  /// May be taken later.
  case retry(after: Duration?, reason: String)
  /// Will never be taken. `label` is a short word for counters, `detail` tells the operator what the server said.
  case rejected(label: String, detail: String)

  /// How long a signal pauses after an answer that only a change of the configuration, here or there, can mend.
  package static let pause = Duration.seconds(30)

  /// - Parameters:
  ///   - url: where the body was posted, for the texts; without credentials.
  ///   - now: nanoseconds since 1970, UTC, for a Retry-After that is a date.
  package init(_ response: HTTPClientResponse, to url: String, signal: Signal, now: UInt64) {
    let status = response.status
    let said = Self.message(of: response)
    let detail = "\(url) answered \(status)" + (said.isEmpty ? "" : ": \(said)")
    switch status {
    case 200..<300:
      let encoding = Self.encoding(of: response) ?? .protobuf
      self = .delivered(ExportResponse.rejection(in: response.body, encoding: encoding, signal: signal))
    // OTLP/HTTP "Retryable Response Codes": 429, 502, 503 and 504.
    case 429, 502, 503, 504:
      // OTLP/HTTP "Throttling": Retry-After tells when.
      let wait = response.first("retry-after").flatMap { RetryAfter.parsed($0, now: now) }
      self = .retry(after: wait, reason: detail)
    // The next three mean a mistake in a configuration. They pause the signal and never empty the queue.
    case 401:
      self = .retry(after: Self.pause, reason: detail + ". Set credentials that it accepts in the sink's headers.")
    case 403:
      self = .retry(after: Self.pause, reason: detail + ". Let these credentials send \(signal.name) there.")
    case 404:
      let hint = "Check the endpoint, or take this sink out of the \(signal.name) pipelines."
      self = .retry(after: Self.pause, reason: detail + ". " + hint)
    case 413:
      self = .tooLarge(detail: detail)
    case 300..<400:
      let place = response.first("location")?.printable(scalarsMax: 200) ?? "another place"
      let hint = "Redirects are not followed: set the endpoint to where it points."
      self = .rejected(label: "redirected", detail: "\(url) answered \(status) and points to \(place). \(hint)")
    default:
      self = .rejected(label: "rejected_\(status)", detail: detail)
    }
  }

  /// The verdict on a body that got no answer.
  package init(_ error: HTTPClientError, to url: String) {
    let detail = "\(url): \(error.description.printable)"
    switch error {
    case .transport, .timedOut, .interrupted: self = .retry(after: nil, reason: detail)
    case .unavailable, .unusable: self = .retry(after: Self.pause, reason: detail)
    // OTLP/HTTP 1.11 "Response Limits": over the limit is an error that is not retried.
    case .responseTooLarge: self = .rejected(label: "response_too_large", detail: detail)
    }
  }

  /// What the server says went wrong: the message of its google.rpc.Status, else the beginning of whatever it sent.
  private static func message(of response: HTTPClientResponse) -> String {
    if let encoding = encoding(of: response),
      let status = RPCStatus(decoding: response.body, as: encoding), !status.message.isEmpty
    {
      return status.message.printable(scalarsMax: 200)
    }
    return response.body.excerpt()
  }

  /// The OTLP encoding that the content type names.
  private static func encoding(of response: HTTPClientResponse) -> Encoding? {
    let type = response.first("content-type")?.prefix { $0 != ";" }.lowercased()
    return switch type?.split(separator: " ").first {
    case "application/x-protobuf", "application/protobuf": .protobuf
    case "application/json": .json
    default: nil
    }
  }
}
