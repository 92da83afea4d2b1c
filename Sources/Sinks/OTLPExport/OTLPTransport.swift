// What differs between OTLP/HTTP and OTLP/gRPC on the sending side.

package import Bytes
package import Compression
package import HTTPClient
package import OTLP

/// How requests become HTTP, and HTTP's responses verdicts. Immutable, so any thread may use it.
package protocol OTLPTransport: Sendable {
  /// Where a signal's requests are posted to; nil when it is not delivered.
  func url(for signal: Signal) -> String?

  /// What describes the body, and the fields of the configuration: sent with every request.
  var fields: [HTTPField] { get }

  /// The requests, of one signal and at least one, merged into one body, packed if there is a compressor.
  func body(of requests: [ExportRequest], packedBy compressor: inout Compressor?) -> Bytes

  /// Whether the other side did not accept the credentials.
  func refusesCredentials(_ response: HTTPClientResponse) -> Bool

  /// What the response means.
  ///
  /// - Parameters:
  ///   - url: where the request went, for the texts; without credentials.
  ///   - now: nanoseconds since 1970, UTC.
  func answer(_ response: HTTPClientResponse, from url: String, signal: Signal, now: UInt64) -> OTLPAnswer
}
