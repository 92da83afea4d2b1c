// What the journal says of itself in the metrics.

internal import SelfTelemetry
internal import System

/// The journal's counters.
struct JournalMetrics: Sendable {
  private let refused: [AppendOutcome.Refusal: Counter]
  private let unwanted: Counter

  init(_ registry: MetricRegistry) {
    var refused: [AppendOutcome.Refusal: Counter] = [:]
    for refusal in AppendOutcome.Refusal.allCases {
      refused[refusal] = registry.counter(
        "otlpd_journal_refused_groups", help: "Appends that the journal refused, by reason.",
        labels: [Label("reason", refusal.rawValue)])
    }
    self.refused = refused
    unwanted = registry.counter(
      "otlpd_journal_unwanted_items", help: "Accepted items that no configured sink takes, dropped at once.")
  }

  /// Registers the gauges, which are read from the journal at each scrape.
  func watch(_ journal: Journal, in registry: MetricRegistry) {
    registry.reading("otlpd_journal_bytes", help: "Bytes that the journal holds, overheads included.") {
      [weak journal] in Double(journal?.usage.bytes ?? 0)
    }
    registry.reading("otlpd_journal_capacity_bytes", help: "Bytes that the journal may hold.") {
      [weak journal] in Double(journal?.settings.memoryBytesMax ?? 0)
    }
    registry.reading("otlpd_journal_records", help: "Export requests that the journal holds.") {
      [weak journal] in Double(journal?.usage.records ?? 0)
    }
    registry.reading("otlpd_journal_oldest_age_seconds", help: "Age in seconds of the oldest request held.") {
      [weak journal] in journal?.usage.oldestAge.seconds ?? 0
    }
  }

  func count(_ outcome: AppendOutcome, unwantedItems: Int) {
    if unwantedItems > 0 { unwanted.add(unwantedItems) }
    if case .refused(let refusal) = outcome { refused[refusal]?.add() }
  }
}
