// What a receiver counts before the pipeline takes over.

internal import OTLP
package import SelfTelemetry

/// Counters of one receiver; any thread.
package struct ReceiverMetrics: Sendable {
  private let malformed: [Counter]
  private let rejected: [Counter]
  private let base64IDs: Counter
  private let activity: Activity
  private let operations: [Operation?]

  package init(receiver: String, transport: String, registry: MetricRegistry) {
    malformed = Signal.allCases.map { signal in
      registry.counter(
        "otlpd_malformed_requests", help: "Requests refused because their body is not OTLP.",
        labels: [Label("receiver", receiver), Label("transport", transport), Label("signal", signal.name)])
    }
    rejected = Signal.allCases.map { signal in
      registry.counter(
        "otlpd_rejected_items", help: "Items dropped at the door and answered as a partial success.",
        labels: [Label("receiver", receiver), Label("transport", transport), Label("signal", signal.name)])
    }
    base64IDs = registry.counter(
      "otlpd_json_lenient_fixes", help: "Values in JSON bodies that were not as OTLP writes them, and were accepted.",
      labels: [Label("receiver", receiver), Label("kind", "base64_id")])
    activity = registry.activity
    operations = Signal.allCases.map { registry.activity.operation("receiver/\(receiver) \(transport) \($0.name)") }
  }

  /// What requests of the signal are measured as; nil when nobody wants to see it.
  func operation(_ signal: Signal) -> Operation? { activity.isWatched ? operations[Int(signal.rawValue)] : nil }

  func countMalformed(_ signal: Signal) { malformed[Int(signal.rawValue)].add() }

  /// Counts what the door changed in a request that it then accepted.
  func countFixes(_ request: ExportRequest) {
    if let rejection = request.rejected { rejected[Int(request.signal.rawValue)].add(rejection.itemCount) }
    if request.leniencies.base64IDs > 0 { base64IDs.add(request.leniencies.base64IDs) }
  }
}
