// What every OTLP protocol has in common: a message in, an answer out.

internal import Bytes
internal import OTLP
package import Pipeline
internal import SelfTelemetry
internal import System

/// How a receiver answers, before a protocol puts it into its own words.
enum OTLPAnswer: Sendable {
  /// Accepted, with what was dropped at the door.
  case success(ExportRequest.Rejection?)
  case failure(OTLPStatus, String)

  /// Why the request was refused.
  var problem: String? {
    switch self {
    case .success: nil
    case .failure(_, let message): message
    }
  }
}

/// Decodes messages that came in one way and hands them to the pipeline. Any thread.
package struct OTLPIntake: Sendable {
  /// The component id in the config file: `otlp`, `otlp/internal`.
  private let id: String
  private let transport: Transport
  private let pipeline: Pipeline
  private let metrics: ReceiverMetrics

  package init(id: String, transport: Transport, pipeline: Pipeline, metrics: ReceiverMetrics) {
    self.id = id
    self.transport = transport
    self.pipeline = pipeline
    self.metrics = metrics
  }

  /// Answers one message, at once or when the journal has it. Never blocks.
  func take(
    _ body: Bytes, as encoding: Encoding, _ signal: Signal, _ answer: @escaping @Sendable (OTLPAnswer) -> Void
  ) {
    guard let operation = metrics.operation(signal) else { return decide(body, encoding, signal, answer) }
    let clock = SystemClock()
    let start = clock.monotonic
    operation.began()
    decide(body, encoding, signal) { outcome in
      operation.ended(after: clock.monotonic.since(start).seconds, at: clock.wall, failure: outcome.problem)
      answer(outcome)
    }
  }

  private func decide(
    _ body: Bytes, _ encoding: Encoding, _ signal: Signal, _ answer: @escaping @Sendable (OTLPAnswer) -> Void
  ) {
    let export: ExportRequest
    do {
      export = try ExportRequest(decoding: body, as: encoding, signal: signal)
    } catch {
      metrics.countMalformed(signal)
      return answer(.failure(.badData, error.description))
    }
    metrics.countFixes(export)
    let rejection = export.rejected
    pipeline.accept(export, from: id, transport: transport) { outcome in
      switch outcome {
      case .accepted: answer(.success(rejection))
      case .refused(let reason): answer(.failure(OTLPStatus(reason), reason.message))
      }
    }
  }
}
