// OTLP over HTTP with protobuf or JSON bodies.

package import Bytes
package import Compression
package import HTTPClient
package import OTLP

/// One POST per request: OTLP/HTTP.
package struct OTLPHTTPTransport: OTLPTransport {
  private let urls: [Signal: String]
  private let encoding: Encoding
  package let fields: [HTTPField]

  /// - Parameter urls: complete URLs; a signal without one is not delivered.
  package init(urls: [Signal: String], encoding: Encoding = .protobuf, settings: OTLPClientSettings) {
    self.urls = urls
    self.encoding = encoding
    // OTLP/HTTP "Binary Protobuf Encoding" and "JSON Protobuf Encoding": the content type names the encoding.
    var own = [HTTPField("Content-Type", encoding == .json ? "application/json" : "application/x-protobuf")]
    if let packing = settings.compression { own.append(HTTPField("Content-Encoding", packing.name)) }
    fields = settings.fields(behind: own)
  }

  package func url(for signal: Signal) -> String? { urls[signal] }

  package func body(of requests: [ExportRequest], packedBy compressor: inout Compressor?) -> Bytes {
    let plain = encoding == .json ? json(requests) : requests.mergedPayload
    return compressor?.compress(plain.span) ?? plain
  }

  private func json(_ requests: [ExportRequest]) -> Bytes {
    let items = requests.reduce(0) { $0 + $1.itemCount }
    let merged = ExportRequest(held: requests.mergedPayload, itemCount: items, signal: requests[0].signal)
    var json = ByteBuffer(capacity: merged.payload.count * 2)
    merged.appendJSON(to: &json)
    return json.finish()
  }

  package func refusesCredentials(_ response: HTTPClientResponse) -> Bool { response.status == 401 }

  package func answer(_ response: HTTPClientResponse, from url: String, signal: Signal, now: UInt64) -> OTLPAnswer {
    OTLPAnswer(http: response, from: url, signal: signal, now: now)
  }
}
