// What an OTLP/HTTP server's answer means: every status, and every odd answer.

package import HTTPClient
package import OTLP
internal import Pipeline

extension OTLPAnswer {
  /// The verdict of OTLP/HTTP "Response".
  ///
  /// - Parameters:
  ///   - url: where the body was posted, for the texts; without credentials.
  ///   - now: nanoseconds since 1970, UTC, for a Retry-After that is a date.
  package init(http response: HTTPClientResponse, from url: String, signal: Signal, now: UInt64) {
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
      self = .failed(.retryable(after: wait, reason: detail))
    // The next four mean a mistake in a configuration. They stop the signal and never empty the queue.
    case 401:
      self = .failed(.blocked(reason: detail + ". Set credentials that it accepts, in the sink's headers or auth."))
    case 403:
      self = .failed(.blocked(reason: detail + ". Let these credentials send \(signal.name) there."))
    case 404:
      let hint = "Check the endpoint, or take this sink out of the \(signal.name) pipelines."
      self = .failed(.blocked(reason: detail + ". " + hint))
    case 300..<400:
      let place = response.first("location")?.printable(scalarsMax: 200) ?? "another place"
      let hint = "Redirects are not followed: set the endpoint to where it points."
      self = .failed(.blocked(reason: "\(url) answered \(status) and points to \(place). \(hint)"))
    case 413: self = .failed(.tooLarge(reason: detail))
    case 400: self = .failed(Self.isAboutSize(said) ? .tooLarge(reason: detail) : .invalid(reason: detail))
    default: self = .rejected(label: "rejected_\(status)", detail: detail)
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
