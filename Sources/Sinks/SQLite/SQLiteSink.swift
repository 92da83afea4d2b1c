// Stores batches in SQLite files, each exactly once.

package import Journal
package import Logging
package import OTLP
package import Pipeline
package import SelfTelemetry
package import System
internal import TelemetryStore

/// The store as a sink. It keeps its position inside its own transactions, so a batch that comes twice is stored once.
package final class SQLiteSink: Sink {
  private let id: String
  private let store: TelemetryStore
  private let retentionThread: RetentionThread
  private let logger: Logger

  /// - Parameters:
  ///   - id: the config's `type[/name]`, for metrics and messages.
  ///   - directory: where the day files are; nobody else may write there.
  package init(
    id: String, directory: String, retention: RetentionConfig = RetentionConfig(), clock: any Clock, logger: Logger,
    metrics: MetricRegistry
  ) {
    self.id = id
    self.logger = logger
    let store = TelemetryStore(directory: directory, clock: clock, logger: logger, retention: retention.retention)
    self.store = store
    retentionThread = RetentionThread(store)
    SQLiteSink.register(store, as: id, in: metrics)
  }

  /// - Throws: `StoreError`, whose kind tells a missing right from a file of a newer otlpd.
  package func start() throws {
    do { try store.open() } catch {
      throw StoreError(kind: error.kind, description: "\(id) sink: \(error.description)")
    }
    try retentionThread.start()
  }

  package func export(_ batch: Batch) throws(ExportError) -> ExportRequest.Rejection? {
    do {
      let outcome = try store.write(
        signal: batch.signal, requests: batch.requests, journal: batch.journalID.bits,
        lastSequence: batch.lastSequence)
      if outcome.duplicates > 0 {
        logger.debug("spans that were stored before are left out", metadata: ["spans": "\(outcome.duplicates)"])
      }
      return nil
    } catch {
      if error.isRetryable { throw .retryable(after: nil, reason: error.description) }
      // The reason is a metric label, so the words for people go to the log.
      logger.error("a batch cannot be stored and is dropped", metadata: ["error": "\(error.description)"])
      throw .permanent(reason: "store_\(error.kind.rawValue)")
    }
  }

  package func position(of signal: Signal, in journal: JournalID) -> UInt64? {
    store.position(of: signal, in: journal.bits)
  }

  package func stop() {
    retentionThread.stop()
    store.close()
  }

  private static func register(_ store: TelemetryStore, as id: String, in metrics: MetricRegistry) {
    let sink = Label("exporter", id)
    for signal in Signal.allCases {
      metrics.reading(
        "otlpd_store_rows", kind: .counter, help: "Spans, data points and log records stored.",
        labels: [sink, Label("signal", signal.name)]
      ) { Double(store.counts.rows[signal] ?? 0) }
    }
    metrics.reading(
      "otlpd_store_duplicate_spans", kind: .counter,
      help: "Spans left out because the day's file had them already: retries of a client.", labels: [sink]
    ) { Double(store.counts.duplicateSpans) }
    metrics.reading(
      "otlpd_store_corrupt_files", kind: .counter,
      help: "Files renamed to .corrupt because they were damaged or of another application.", labels: [sink]
    ) { Double(store.counts.corruptFiles) }
    metrics.reading(
      "otlpd_store_lost_files", kind: .counter,
      help: "Files made again because they were deleted or replaced while open.", labels: [sink]
    ) { Double(store.counts.lostFiles) }
    for reason in Retention.Reason.allCases {
      metrics.reading(
        "otlpd_store_deleted_files", kind: .counter, help: "Files of past days deleted by the exporter's retention.",
        labels: [sink, Label("reason", reason.rawValue)]
      ) { Double(store.counts.deletedFiles[reason] ?? 0) }
    }
    metrics.reading(
      "otlpd_store_bytes", help: "Bytes of all day files with their logs.", labels: [sink]
    ) { Double(store.bytes) }
  }
}
