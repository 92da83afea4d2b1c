// The OTLP/gRPC receiver: the message of a complete call in, a gRPC answer out.

internal import Bytes
package import HTTPServer
package import OTLP
internal import Pipeline
package import SelfTelemetry

/// Takes export calls over gRPC and hands them to the pipeline.
///
/// Sources: OTLP specification, "OTLP/gRPC"; gRPC over HTTP2.
package struct GRPCReceiver: Sendable {
  private static let contentType = "application/grpc"

  /// The methods by path; a signal that no pipeline takes has none (UNIMPLEMENTED).
  private let methods: [(path: String, signal: Signal)]
  private let intake: OTLPIntake
  private let calls: GRPCMetrics

  /// - Parameter signals: those that some pipeline takes from this receiver.
  package init(id: String, signals: [Signal], intake: OTLPIntake, registry: MetricRegistry) {
    self.intake = intake
    calls = GRPCMetrics(receiver: id, registry: registry)
    methods = signals.map { ($0.grpcMethod, $0) }
  }

  /// Answers one call, at once or when the journal has it. Runs on a reactor thread and never blocks.
  package func handle(_ request: HTTPRequest, _ reply: Reply) {
    guard request.withHeader("content-type", { GRPCReceiver.isProtobuf($0) }) == true else {
      return reply.send(notGRPC(request))
    }
    guard request.method == .post, let signal = signal(of: request) else {
      return reply.send(failure(.notFound, unknownMethod(request.path)))
    }
    intake.take(request.body, as: .protobuf, signal) { answer in
      switch answer {
      case .success(let rejection): reply.send(success(rejection, signal))
      case .failure(let status, let message): reply.send(failure(status, message))
      }
    }
  }

  private func signal(of request: HTTPRequest) -> Signal? {
    for entry in methods where request.isAt(entry.path) { return entry.signal }
    return nil
  }

  /// The answer to a call that the server itself refused.
  package func refusal(_ refusal: HTTPRefusal) -> HTTPResponse {
    guard let contentType = refusal.contentType, GRPCReceiver.isProtobuf(Bytes(contentType).span) else {
      return refusal.textResponse
    }
    let status =
      refusal.reason == .messageEncodingMissing ? .internalError : OTLPStatus(refusalCode: refusal.status)
    return failure(status, refusal.message)
  }

  /// gRPC over HTTP2, "Requests": the content type names the encoding of the messages, protobuf if none.
  private static func isProtobuf(_ contentType: Span<UInt8>) -> Bool {
    let end = contentType.firstIndex(of: UInt8(ascii: ";")) ?? contentType.count
    let type = contentType.extracting(0..<end)
    return type.equals("application/grpc" as StaticString) || type.equals("application/grpc+proto" as StaticString)
  }

  private func notGRPC(_ request: HTTPRequest) -> HTTPResponse {
    let found = request.header("content-type").map { "\"\($0)\"" } ?? "none"
    // gRPC over HTTP2, "Requests": 415 when the content type is another.
    return HTTPResponse(
      status: 415, contentType: "text/plain; charset=utf-8",
      body: Bytes(
        "this port takes OTLP/gRPC: expected the content type application/grpc, found \(found);"
          + " send OTLP/HTTP to the http endpoint (4318)\n"))
  }

  private func unknownMethod(_ path: String) -> String {
    let known = methods.map(\.path).sorted().joined(separator: ", ")
    return known.isEmpty ? "no pipeline takes anything from this receiver" : "no such method here; there are \(known)"
  }

  // MARK: Answers

  /// gRPC over HTTP2, "Responses": the message behind its length, and the status in the trailers.
  private func success(_ rejection: ExportRequest.Rejection?, _ signal: Signal) -> HTTPResponse {
    calls.count(.ok)
    return HTTPResponse(
      status: 200, contentType: GRPCReceiver.contentType,
      body: rejection == nil ? GRPCReceiver.empty : GRPCReceiver.message(rejection, signal),
      trailers: GRPCReceiver.ok)
  }

  /// Trailers only: the status is in the header, and nothing follows.
  private func failure(_ status: OTLPStatus, _ message: String) -> HTTPResponse {
    calls.count(status.grpcStatus)
    return HTTPResponse(
      status: 200, contentType: GRPCReceiver.contentType, body: Bytes(), headers: status.grpcStatus.fields(message))
  }

  private static let ok = [HTTPHeader("grpc-status", "0")]
  /// A message without fields: full success.
  private static let empty = Bytes([0, 0, 0, 0, 0])

  private static func message(_ rejection: ExportRequest.Rejection?, _ signal: Signal) -> Bytes {
    let message = ExportResponse.success(rejection: rejection, signal: signal, encoding: .protobuf)
    var body = ByteBuffer(capacity: 5 + message.count)
    body.append(0)
    for shift in [24, 16, 8, 0] { body.append(UInt8(truncatingIfNeeded: message.count >> shift)) }
    body.append(message)
    return body.finish()
  }
}

extension Signal {
  /// The path of the signal's Export method (opentelemetry-proto, `collector/*/v1`).
  fileprivate var grpcMethod: String {
    switch self {
    case .traces: "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
    case .metrics: "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export"
    case .logs: "/opentelemetry.proto.collector.logs.v1.LogsService/Export"
    }
  }
}

/// Counters of a receiver's gRPC calls; any thread.
private struct GRPCMetrics: Sendable {
  private let counters: [(status: GRPCStatus, counter: Counter)]

  init(receiver: String, registry: MetricRegistry) {
    counters = GRPCStatus.allCases.map { status in
      let counter = registry.counter(
        "otlpd_grpc_calls", help: "OTLP/gRPC calls answered, by status.",
        labels: [Label("receiver", receiver), Label("code", status.name)])
      return (status, counter)
    }
  }

  func count(_ status: GRPCStatus) {
    for entry in counters where entry.status == status { return entry.counter.add() }
  }
}
