// What the log says of the journal: what a start found, and what will soon be full.

internal import Journal
internal import Logging
internal import Pipeline
internal import System

/// The journal returns values and has no logger: this tells the operator. Any thread.
final class JournalLog: Sendable {
  private let logger: Logger
  private let clock: any Clock
  /// A level that swings around a bound is told a few times only.
  private let paces = Lock<[JournalWarning: LogPace]>([:])
  /// Warnings that were told and not taken back.
  private let told = Lock<Set<JournalWarning>>([])

  init(logger: Logger, clock: any Clock) {
    self.logger = logger
    self.clock = clock
  }

  func note(_ change: JournalWarning.Change) {
    guard change.isRaised else {
      guard told.withLock({ $0.remove(change.warning) }) != nil else { return }
      return logger.info("the journal has room again", metadata: ["was": "\(change.warning.rawValue)"])
    }
    let isNews = paces.withLock { paces in
      paces[change.warning, default: LogPace(interval: .seconds(60))].admit(at: clock.monotonic) != nil
    }
    guard isNews else { return }
    told.withLock { _ = $0.insert(change.warning) }
    logger.warning(
      "\(change.warning.text); when there is none left, requests are refused or a lossy sink loses its oldest items",
      metadata: ["bytes": "\(change.bytes)", "limit": "\(change.limit)", "slowest_sink": "\(change.slowest ?? "none")"])
  }

  func removed(_ sink: RemovedSink, signal: String) {
    logger.warning(
      """
      what waited for a sink that is not in the configuration any more is dropped; let a sink drain before it is \
      removed or renamed (otlpd journal inspect shows what waits)
      """,
      metadata: [
        "sink": "\(sink.sink)", "signal": "\(signal)", "dropped_items": "\(sink.pending.items)",
        "bytes": "\(sink.pending.bytes)",
      ])
  }

  func opened(_ recovery: RecoveryReport, _ settings: JournalSettings) {
    logger.info(
      "journal opened",
      metadata: [
        "directory": "\(settings.directory)", "durability": "\(settings.durability.rawValue)",
        "recovered_requests": "\(recovery.records)", "recovered_items": "\(recovery.items)",
      ])
    if recovery.quarantinedBytes > 0 || recovery.missingRecords > 0 {
      logger.error(
        "the journal was damaged; what could not be read was put aside in *.quarantine files",
        metadata: [
          "quarantined_bytes": "\(recovery.quarantinedBytes)", "missing_requests": "\(recovery.missingRecords)",
        ])
    }
    if recovery.cursorsLost {
      logger.error("the journal's cursors could not be read; sinks get again what is still in the journal")
    }
    if recovery.truncatedBytes > 0 {
      logger.info(
        "the journal's unfinished end was cut off; it was never acknowledged",
        metadata: ["truncated_bytes": "\(recovery.truncatedBytes)"])
    }
  }
}

extension JournalWarning {
  /// For people, in the log and on the page of readiness.
  var text: String {
    switch self {
    case .nearlyFull: "the journal is more than 80 % full"
    case .lowSpace: "the disk of the journal has hardly more free than min_free_bytes"
    }
  }
}
