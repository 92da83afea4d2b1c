// What the journal says of itself in the metrics.

internal import SelfTelemetry
internal import System

/// The journal's counters.
struct JournalMetrics: Sendable {
  private let refused: [AppendOutcome.Refusal: Counter]
  private let unwanted: Counter
  private let reread: Counter
  private let registry: MetricRegistry

  init(_ registry: MetricRegistry) {
    var refused: [AppendOutcome.Refusal: Counter] = [:]
    for refusal in AppendOutcome.Refusal.allCases {
      refused[refusal] = registry.counter(
        "otlpd_journal_refused_groups", help: "Appends that the journal refused, by reason.",
        labels: [Label("reason", refusal.rawValue)])
    }
    self.refused = refused
    self.registry = registry
    reread = registry.counter(
      "otlpd_journal_reread_records", help: "Requests read back from files, for sinks behind what is in memory.")
    unwanted = registry.counter(
      "otlpd_journal_unwanted_items", help: "Accepted items that no configured sink takes, dropped at once.")
  }

  /// Registers the gauges, which are read from the journal at each scrape.
  func watch(_ journal: Journal, in registry: MetricRegistry) {
    registry.reading("otlpd_journal_bytes", help: "Bytes that the journal holds, overheads included.") {
      [weak journal] in Double(journal?.usage.bytes ?? 0)
    }
    registry.reading("otlpd_journal_capacity_bytes", help: "Bytes that the journal may hold.") {
      [weak journal] in Double(journal?.settings.bytesMax ?? 0)
    }
    registry.reading("otlpd_journal_records", help: "Export requests that the journal holds.") {
      [weak journal] in Double(journal?.usage.records ?? 0)
    }
    registry.reading("otlpd_journal_oldest_age_seconds", help: "Age in seconds of the oldest request held.") {
      [weak journal] in journal?.usage.oldestAge.seconds ?? 0
    }
    for warning in JournalWarning.allCases {
      registry.reading(
        "otlpd_journal_warning", help: "1 from 80 % of a bound on until it is below 70 % again, by kind.",
        labels: [Label("kind", warning.rawValue)]
      ) { [weak journal] in journal?.warnings.contains(warning) == true ? 1 : 0 }
    }
  }

  func count(_ outcome: AppendOutcome, unwantedItems: Int) {
    switch outcome {
    case .accepted: unwanted.add(unwantedItems)
    case .refused(let refusal): refused[refusal]?.add()
    }
  }

  // MARK: Files

  /// Counts records that a sink got from files: one that keeps up reads from memory.
  func countReread(_ records: Int) { if records > 0 { reread.add(records) } }

  /// Counts records that were stored and could not be read when a sink came to them.
  func countUnreadable(_ records: Int) {
    if records > 0 { unreadable.add(records) }
  }

  private var unreadable: Counter {
    registry.counter(
      "otlpd_journal_unreadable_records", help: "Stored requests that were damaged when a sink came to them.")
  }

  /// Registers what a start found.
  func count(_ report: RecoveryReport) {
    registry.counter(
      "otlpd_journal_recovered_records", help: "Requests of earlier lives that the start found in the journal."
    ).add(report.records)
    registry.counter(
      "otlpd_journal_truncated_bytes", help: "Bytes cut off at the journal's end, which were never acknowledged."
    ).add(report.truncatedBytes)
    registry.counter(
      "otlpd_journal_quarantined_bytes", help: "Damaged bytes that the start put aside."
    ).add(report.quarantinedBytes)
    // Shown from the start on: an alert asks for an increase.
    _ = unreadable
  }

  /// Registers the requests that are gone, of which some are known only when a cursor is opened.
  func watchMissing(_ log: DiskLog) {
    registry.reading(
      "otlpd_journal_missing_records", kind: .counter, help: "Requests that the journal held and damage took away."
    ) { [weak log] in
      guard let log else { return 0 }
      return Double(log.recovery.missingRecords + log.state.withLock { $0.disk?.missingRecords ?? 0 })
    }
  }

  /// How long the disk takes for a batch.
  func syncs() -> Histogram {
    registry.histogram(
      "otlpd_journal_sync_seconds", help: "Time that the disk took to make a batch of requests durable.",
      bounds: Histogram.diskBounds)
  }
}
