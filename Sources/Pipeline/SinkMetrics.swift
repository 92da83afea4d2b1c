// What a sink's worker counts, under the Collector's names and ours.

internal import Journal
internal import OTLP
package import SelfTelemetry
internal import System

/// The counters of one signal of one sink: accepted = sent + pending + dropped, by items.
package struct SinkMetrics: Sendable {
  private let sent: Counter
  private let sendFailed: Counter
  private let retries: Counter
  private let attempts: Operation?
  /// Stored items whose bytes are no request any more, although their checksum is right.
  private let unusable = Counter()
  private let sink: String
  private let signal: Signal
  private let registry: MetricRegistry
  /// Counters by reason; a sink's own reasons are few, but come from outside.
  private let dropped = Lock<[String: Counter]>([:])

  /// The most reasons that are told apart; the rest is `other`.
  private static let reasonsMax = 32

  init(sink: String, signal: Signal, registry: MetricRegistry) {
    self.sink = sink
    self.signal = signal
    self.registry = registry
    let items = signal.itemsName
    let labels = [Label("exporter", sink)]
    sent = registry.counter(
      "otelcol_exporter_sent_\(items)", help: "Items (\(items)) that the sink delivered.", labels: labels)
    sendFailed = registry.counter(
      "otelcol_exporter_send_failed_\(items)", help: "Items (\(items)) that the sink could not deliver and gave up.",
      labels: labels)
    retries = registry.counter(
      "otlpd_exporter_retries", help: "Failed attempts of batches that are tried again.",
      labels: labels + [Label("signal", signal.name)])
    attempts = registry.activity.operation("exporter/\(sink) \(signal.name)")
  }

  /// What an attempt to deliver is measured as; nil when nobody wants to see it.
  var attempt: Operation? { registry.activity.isWatched ? attempts : nil }

  /// Registers what the journal knows, read at each scrape.
  ///
  /// - Parameter isLimited: whether the sink has a limit of its own.
  func watch(_ cursor: Cursor, capacity: Int, isLimited: Bool, clock: any Clock) {
    let exporter = Label("exporter", sink)
    let signalLabels = [exporter, Label("signal", signal.name)]
    let queueLabels = [exporter, Label("data_type", signal.name)]
    registry.reading(
      "otelcol_exporter_enqueue_failed_\(signal.itemsName)", kind: .counter,
      help: "Items (\(signal.itemsName)) dropped because the journal or the sink's queue was full.",
      labels: [exporter]
    ) {
      let status = cursor.status
      return Double(status.dropped.items - status.damaged.items)
    }
    registry.reading(
      "otelcol_exporter_queue_size", help: "Bytes in the journal that the sink has yet to deliver.", labels: queueLabels
    ) { Double(cursor.status.pending.bytes) }
    registry.reading(
      "otelcol_exporter_queue_capacity", help: "Bytes that the journal may hold for all sinks together.",
      labels: queueLabels
    ) { Double(capacity) }
    registry.reading(
      SinkMetrics.acceptedName, kind: .counter, help: SinkMetrics.acceptedHelp, labels: signalLabels
    ) { Double(cursor.status.routed.items) }
    registry.reading(
      SinkMetrics.recoveredName, kind: .counter, help: SinkMetrics.recoveredHelp, labels: signalLabels
    ) { Double(cursor.status.recovered.items) }
    registry.reading(
      "otlpd_exporter_pending_items", help: "Items that the sink has yet to deliver.", labels: signalLabels
    ) { Double(cursor.status.pending.items) }
    registry.reading(
      "otlpd_exporter_lag_seconds", help: "Age in seconds of the oldest request that the sink has yet to deliver.",
      labels: signalLabels
    ) { cursor.status.oldest.map { clock.monotonic.since($0).seconds } ?? 0 }
    registry.reading(
      SinkMetrics.droppedName, kind: .counter, help: SinkMetrics.droppedHelp,
      labels: signalLabels + [Label("reason", DropReason.journalFull)]
    ) {
      let status = cursor.status
      return Double(status.dropped.items - status.damaged.items - status.overLimit.items)
    }
    if isLimited {
      registry.reading(
        SinkMetrics.droppedName, kind: .counter, help: SinkMetrics.droppedHelp,
        labels: signalLabels + [Label("reason", DropReason.queueFull)]
      ) { Double(cursor.status.overLimit.items) }
    }
    // Those whose checksum is wrong are known to the journal, those that are no request to the worker.
    registry.reading(
      SinkMetrics.droppedName, kind: .counter, help: SinkMetrics.droppedHelp,
      labels: signalLabels + [Label("reason", DropReason.damaged)]
    ) { Double(cursor.status.damaged.items + unusable.value) }
  }

  /// Registers whether the signal is paused because the peer takes nothing of it.
  func watchPause(_ isPaused: @escaping @Sendable () -> Bool) {
    registry.reading(
      "otlpd_exporter_paused", help: "1 while the destination takes nothing of the signal (401, 403, 404).",
      labels: [Label("exporter", sink), Label("signal", signal.name)]
    ) { isPaused() ? 1 : 0 }
  }

  /// Shows what waited for a sink that is gone: recovered, and dropped at once.
  package static func count(removed sink: String, signal: String, items: Int, in registry: MetricRegistry) {
    let labels = [Label("exporter", sink), Label("signal", signal)]
    registry.counter(acceptedName, help: acceptedHelp, labels: labels).add(items)
    registry.counter(recoveredName, help: recoveredHelp, labels: labels).add(items)
    registry.counter(
      droppedName, help: droppedHelp, labels: labels + [Label("reason", DropReason.sinkRemoved)]
    ).add(items)
  }

  /// Keeps when an attempt last failed so; what was said is in the log and on `/readyz`, since it may be anything.
  func note(_ error: ExportError, at wall: UInt64) {
    registry.gauge(
      "otlpd_exporter_last_error_timestamp_seconds",
      help: "When an attempt last failed, in Unix time, by what it meant.",
      labels: [Label("exporter", sink), Label("signal", signal.name), Label("kind", error.kind)]
    ).set(Int(wall / 1_000_000_000))
  }

  func countSent(_ items: Int) { sent.add(items) }
  func countRetry() { retries.add() }

  /// Counts items that the cursor has moved over: those of `drops`, and the rest as sent.
  func count(_ items: Int, drops: [String: Int]) {
    var rest = items
    for (reason, dropped) in drops {
      countDropped(min(dropped, rest), reason: reason)
      rest -= min(dropped, rest)
    }
    countSent(rest)
  }

  /// Counts accepted items that the sink will not get.
  func countDropped(_ items: Int, reason: String) {
    guard items > 0 else { return }
    if reason == DropReason.damaged { return unusable.add(items) }
    if reason != DropReason.rejected, reason != DropReason.shutdown { sendFailed.add(items) }
    dropped.withLock { dropped in
      if let counter = dropped[reason] { return counter }
      let name = dropped.count < SinkMetrics.reasonsMax ? reason : "other"
      let counter = registry.counter(
        SinkMetrics.droppedName, help: SinkMetrics.droppedHelp,
        labels: [Label("exporter", sink), Label("signal", signal.name), Label("reason", name)])
      dropped[name] = counter
      return counter
    }.add(items)
  }

  private static let acceptedName = "otlpd_exporter_accepted_items"
  private static let acceptedHelp = "Items accepted for the sink: sent, pending and dropped items add up to it."
  private static let recoveredName = "otlpd_exporter_recovered_items"
  private static let recoveredHelp =
    "Items of earlier lives that were still to be delivered; part of the accepted ones."
  private static let droppedName = "otlpd_dropped_items"
  private static let droppedHelp = "Accepted items that the sink will not get, by reason."
}
