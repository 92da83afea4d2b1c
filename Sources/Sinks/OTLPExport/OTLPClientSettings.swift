// What both ways of sending OTLP need to know.

package import Compression
package import HTTPClient

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
