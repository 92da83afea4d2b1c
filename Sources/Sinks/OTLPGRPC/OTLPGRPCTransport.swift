// OTLP over gRPC: unary calls, one HTTP/2 request each.

package import Bytes
package import Compression
package import HTTPClient
package import OTLP
internal import System

/// One `Export` call per request: OTLP/gRPC.
package struct OTLPGRPCTransport: OTLPTransport {
  /// `https://gateway:4317`.
  private let base: String
  package let fields: [HTTPField]

  /// - Parameters:
  ///   - base: scheme, host and port.
  ///   - authority: what `:authority` is, when it is not the host and port.
  package init(base: String, authority: String? = nil, settings: OTLPClientSettings) {
    self.base = base
    // gRPC "Requests". RFC 9110 10.1.4: TE announces that trailers are understood.
    var own = [
      HTTPField("Content-Type", "application/grpc"), HTTPField("TE", "trailers"),
      HTTPField("grpc-accept-encoding", "identity"),
    ]
    if let packing = settings.compression { own.append(HTTPField("grpc-encoding", packing.name)) }
    if settings.timeout > .zero { own.append(HTTPField("grpc-timeout", Self.timeout(settings.timeout))) }
    if let authority, !authority.isEmpty { own.append(HTTPField("Host", authority)) }
    fields = settings.fields(behind: own)
  }

  /// gRPC "Timeout": at most eight digits and a unit.
  static func timeout(_ duration: Duration) -> String {
    let milliseconds = duration.milliseconds
    return milliseconds < 100_000_000 ? "\(milliseconds)m" : "\(min(milliseconds / 1000, 99_999_999))S"
  }

  package func url(for signal: Signal) -> String? {
    let service =
      switch signal {
      case .traces: "trace.v1.TraceService"
      case .metrics: "metrics.v1.MetricsService"
      case .logs: "logs.v1.LogsService"
      }
    return "\(base)/opentelemetry.proto.collector.\(service)/Export"
  }

  package func body(of requests: [ExportRequest], packedBy compressor: inout Compressor?) -> Bytes {
    guard compressor == nil else {
      let plain = requests.mergedPayload
      guard let packed = compressor?.compress(plain.span) else { preconditionFailure("there is a compressor") }
      var frame = ByteBuffer(capacity: GRPCFrame.headBytes + packed.count)
      GRPCFrame.appendHead(count: packed.count, isCompressed: true, to: &frame)
      frame.append(packed)
      return frame.finish()
    }
    let count = requests.byteCount
    var frame = ByteBuffer(capacity: GRPCFrame.headBytes + count)
    GRPCFrame.appendHead(count: count, isCompressed: false, to: &frame)
    frame.append(payloadsOf: requests)
    return frame.finish()
  }

  package func refusesCredentials(_ response: HTTPClientResponse) -> Bool {
    GRPCStatus(response).code == .unauthenticated
  }

  package func answer(_ response: HTTPClientResponse, from url: String, signal: Signal, now: UInt64) -> OTLPAnswer {
    let status = GRPCStatus(response)
    guard status.code == .ok else { return OTLPAnswer(status, from: url) }
    // What is taken is taken, also when the message is no response.
    guard let message = GRPCFrame.message(in: response.body) else { return .delivered(nil) }
    return .delivered(ExportResponse.rejection(in: message, encoding: .protobuf, signal: signal))
  }
}
