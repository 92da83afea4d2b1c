// What an answer means for the batch that was sent.

internal import Bytes
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

extension ByteBuffer {
  /// Appends the payloads of requests, one after the other: protobuf messages merge by concatenation.
  mutating func append(payloadsOf requests: [ExportRequest]) {
    for request in requests { append(request.payload) }
  }
}

extension [ExportRequest] {
  /// Payload bytes in all requests.
  var byteCount: Int { reduce(0) { $0 + $1.payload.count } }

  /// The merged request: the only request's own bytes, or a copy of all.
  var mergedPayload: Bytes {
    if count == 1 { return self[0].payload }
    var buffer = ByteBuffer(capacity: byteCount)
    buffer.append(payloadsOf: self)
    return buffer.finish()
  }
}
