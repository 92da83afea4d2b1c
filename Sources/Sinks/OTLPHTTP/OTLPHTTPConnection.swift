// One way to the other side: a client and a compressor, used by one thread at a time.

internal import Bytes
internal import Compression
internal import HTTPClient
internal import OTLP

/// Turns requests into one body, posts it and judges the answer.
final class OTLPHTTPConnection {
  private let settings: OTLPHTTPSettings
  private let fields: [HTTPField]
  private let client: HTTPClient
  private var compressor: GzipCompressor?

  init(_ settings: OTLPHTTPSettings, _ interruption: Interruption) throws(HTTPClientError) {
    self.settings = settings
    // OTLP/HTTP "Binary Protobuf Encoding" and "JSON Protobuf Encoding": the content type names the encoding.
    let type = settings.encoding == .json ? "application/json" : "application/x-protobuf"
    var own = [HTTPField("Content-Type", type)]
    if settings.gzipLevel != nil { own.append(HTTPField("Content-Encoding", "gzip")) }
    // What describes the content is not for the configuration to change.
    let names = Set(own.map { $0.name.lowercased() })
    fields = own + settings.fields.filter { !names.contains($0.name.lowercased()) }
    client = try HTTPClient(settings: settings.client, interruption: interruption)
    compressor = settings.gzipLevel.map { GzipCompressor(level: $0) }
  }

  /// Posts the requests, which are of one signal and at least one, as one. Blocks until the answer or the time limit.
  func post(_ requests: [ExportRequest], to url: String, now: UInt64) -> OTLPHTTPAnswer {
    let safeURL = SignalURL.redacted(url)
    do throws(HTTPClientError) {
      let body = body(of: pieces(of: requests))
      let response = try client.post(url: url, headers: fields, body: body, timeout: settings.timeout)
      return OTLPHTTPAnswer(response, to: safeURL, signal: requests[0].signal, now: now)
    } catch {
      return OTLPHTTPAnswer(error, to: safeURL)
    }
  }

  /// The merged request in pieces: the payloads themselves, for protobuf messages merge by concatenation.
  private func pieces(of requests: [ExportRequest]) -> [Bytes] {
    let payloads = requests.map(\.payload)
    guard settings.encoding == .json else { return payloads }
    let items = requests.reduce(0) { $0 + $1.itemCount }
    let merged = ExportRequest(held: joined(payloads), itemCount: items, signal: requests[0].signal)
    var json = ByteBuffer(capacity: merged.payload.count * 2)
    merged.appendJSON(to: &json)
    return [json.finish()]
  }

  private func body(of pieces: [Bytes]) -> Bytes {
    compressor?.compress(pieces) ?? joined(pieces)
  }

  /// One piece is its own body; several are copied into one.
  private func joined(_ pieces: [Bytes]) -> Bytes {
    if pieces.count == 1 { return pieces[0] }
    var buffer = ByteBuffer(capacity: pieces.reduce(0) { $0 + $1.count })
    for piece in pieces { buffer.append(piece) }
    return buffer.finish()
  }
}
