// What the OTLP/HTTP sink needs to know.

package import HTTPClient
package import OTLP

/// The code's form of one `otlp_http` sink.
package struct OTLPHTTPSettings: Sendable {
  /// Complete URLs; a signal without one is not delivered.
  package var urls: [Signal: String]
  package var encoding: Encoding = .protobuf
  /// 1 (fast) to 9 (small); nil sends bodies as they are. Level 6 costs twice the time of level 1 for 5 % less.
  package var gzipLevel: Int? = 1
  /// Sent with every request, besides the content's own.
  package var fields: [HTTPField] = []
  /// From looking the name up to the last byte of the answer; zero means no limit.
  package var timeout: Duration = .seconds(30)
  /// Payload bytes in one body, before compression (OTLP exporter "Max Request Size"): larger batches go out in parts.
  package var bodyBytesMax = 64 << 20
  package var client: HTTPClientSettings

  package init(urls: [Signal: String], client: HTTPClientSettings) {
    self.urls = urls
    self.client = client
  }
}
