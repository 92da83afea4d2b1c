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

/// What both transports need to know.
package struct OTLPClientSettings: Sendable {
  package var client: HTTPClientSettings
  /// Nil sends bodies as they are.
  package var compression: BodyPacking? = BodyPacking(.gzip)
  /// Sent with every request, besides those that describe the body.
  package var headers: [HTTPField] = []
  /// From looking the name up to the last byte of the answer; zero means no limit.
  package var timeout: Duration = .seconds(30)
  /// Payload bytes in one request, before compression (OTLP exporter "Max Request Size").
  package var bodyBytesMax = 64 << 20

  package init(client: HTTPClientSettings) { self.client = client }

  /// The headers of the configuration behind `own`, which they cannot change.
  func fields(behind own: [HTTPField]) -> [HTTPField] {
    let names = Set(own.map { $0.name.lowercased() })
    return own + headers.filter { !names.contains($0.name.lowercased()) }
  }
}

/// How bodies are packed, and what that is called on the wire.
package struct BodyPacking: Sendable, Equatable {
  package let format: Compressor.Format
  /// As `Compressor` counts; level 6 of gzip costs twice the time of level 1 for 5 % less.
  package let level: Int
  /// The content coding (RFC 9110 8.4.1), or gRPC's message encoding.
  package let name: String

  package init(_ format: Compressor.Format, level: Int = 1, name: String = "gzip") {
    self.format = format
    self.level = level
    self.name = name
  }
}
