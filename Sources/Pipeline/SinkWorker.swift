// Drives one sink: batches from the journal, attempts, retries, and a count for every item that is lost.

package import Journal
package import Logging
package import OTLP
package import SelfTelemetry
package import System

/// The thread of one sink.
///
/// Delivers at least once: a cursor advances only when its batch was delivered or given up, and given up means counted
/// and logged. Each signal has its own lane, so one that fails does not hold the others back; a call of the sink that
/// blocks does.
package final class SinkWorker: Sendable {
  package let id: String
  private let sink: any Sink
  private let signals: [Signal]
  private let settings: DeliverySettings
  private let journal: Journal
  private let cursors: [Cursor]
  private let metrics: [SinkMetrics]
  private let inFlight: Gauge
  private let clock: any Clock
  private let log: DeliveryLog
  private let control: Lock<Control>
  private let thread = Lock<Thread?>(nil)

  /// How long to wait when the journal has nothing to read although something is pending.
  private static let readPause = Duration.milliseconds(100)

  /// What other threads tell the sink's thread, and what it tells them.
  private struct Control {
    /// Something may have become due.
    var isRung = false
    var stopBy: Instant?
    var hasEnded = false
  }

  /// Opens the sink's cursors: from now on the journal keeps what is routed to `id`.
  ///
  /// - Parameters:
  ///   - id: the component id, under which the pipelines route.
  ///   - signals: those that some pipeline routes to the sink, at least one.
  package init(
    sink: any Sink, id: String, signals: [Signal], settings: DeliverySettings, journal: Journal,
    metrics: MetricRegistry, logger: Logger, clock: any Clock
  ) {
    self.sink = sink
    self.id = id
    self.signals = signals
    self.settings = settings
    self.journal = journal
    self.clock = clock
    log = DeliveryLog(sink: id, logger: logger, clock: clock)
    let control = Lock(Control())
    self.control = control
    let cursors = signals.map { signal in
      journal.openCursor(
        sink: id, signal: signal.rawValue, whenFull: settings.whenFull, limit: settings.lagLimit
      ) {
        control.withLock { $0.isRung = true }
        control.wakeAll()
      }
    }
    self.cursors = cursors
    self.metrics = signals.map { SinkMetrics(sink: id, signal: $0, registry: metrics) }
    inFlight = metrics.gauge(
      "otelcol_exporter_in_flight_requests", help: "Batches that the sink is delivering right now.",
      labels: [Label("exporter", id)])
    for (metrics, cursor) in zip(self.metrics, cursors) {
      metrics.watch(cursor, capacity: journal.settings.bytesMax, isLimited: settings.lagLimit != nil, clock: clock)
    }
  }

  /// Starts the sink, on this thread, and then its own thread.
  ///
  /// - Throws: what the sink throws, or `SystemError` when there is no thread left.
  package func start() throws {
    try sink.start()
    for (lane, signal) in signals.enumerated() {
      // What the sink itself has stored is delivered, whatever its cursor says.
      guard let position = sink.position(of: signal, in: journal.id) else { continue }
      journal.reserve(through: position)
      metrics[lane].countSent(cursors[lane].advance(past: min(position, journal.durableSequence)).items)
    }
    let thread = try Thread(name: id) { self.run() }
    self.thread.withLock { $0 = thread }
  }

  /// The life of the sink's thread.
  private func run() {
    var lanes = LaneRotation(lanes: signals.count, settings: settings)
    while true {
      let now = clock.monotonic
      if let deadline = control.withLock({ $0.stopBy }) { lanes.stop(by: deadline, at: now) }
      switch lanes.next(at: now, backlog: status) {
      case .read(let lane):
        if let batch = read(lane) { lanes.take(batch, lane: lane, at: now) }
      case .send(let lane, let batch):
        let result = send(batch)
        let verdict = lanes.ended(result, lane: lane, start: now, now: clock.monotonic, jitter: .random(in: -1...1))
        settle(batch, lane: lane, verdict)
      case .wait(let until, let alarms):
        wait(until: until, alarms: alarms)
      case .finish:
        return leave()
      }
    }
  }

  private func status(_ lane: Int) -> Cursor.Status {
    let status = cursors[lane].status
    log.dropped(signals[lane], behind: status.dropped.items - status.damaged.items)
    return status
  }

  private func read(_ lane: Int) -> Batch? {
    let limits = Cursor.Limits(itemsMax: settings.batch.itemsMax, bytesMax: settings.batch.bytesMax)
    guard let records = cursors[lane].nextBatch(limits: limits) else {
      // Pushed forward just now, or the journal cannot open its files at the moment: not worth a busy loop.
      wait(until: clock.monotonic + SinkWorker.readPause, alarms: [])
      return nil
    }
    var (requests, last): ([ExportRequest], UInt64) = ([], 0)
    for entry in records.entries {
      guard let request = request(entry, lane: lane) else {
        // What comes before it is delivered first; then it is settled, alone.
        if requests.isEmpty { metrics[lane].countInvalid(cursors[lane].advance(past: entry.sequence).items) }
        break
      }
      requests.append(request)
      last = entry.sequence
    }
    guard !requests.isEmpty else { return nil }
    return Batch(signal: signals[lane], requests: requests, journalID: journal.id, lastSequence: last)
  }

  /// The request of a record; nil when its bytes are none, which takes a file that somebody changed.
  private func request(_ entry: Cursor.Batch.Entry, lane: Int) -> ExportRequest? {
    let signal = signals[lane]
    guard entry.isReread else { return ExportRequest(held: entry.payload, itemCount: entry.itemCount, signal: signal) }
    guard let request = try? ExportRequest(stored: entry.payload, signal: signal) else { return nil }
    // The journal's count is the one that its counters add up with.
    return ExportRequest(held: request.payload, itemCount: entry.itemCount, signal: signal)
  }

  private func send(_ batch: Batch) -> Result<ExportRequest.Rejection?, ExportError> {
    inFlight.add(1)
    defer { inFlight.add(-1) }
    do throws(ExportError) {
      return .success(try sink.export(batch))
    } catch {
      return .failure(error)
    }
  }

  /// Advances and counts; items that the journal dropped meanwhile were counted by it.
  private func settle(_ batch: Batch, lane: Int, _ verdict: Lane.Verdict) {
    switch verdict {
    case .delivered(let rejection):
      let items = cursors[lane].advance(past: batch.lastSequence).items
      let rejected = min(max(rejection?.itemCount ?? 0, 0), items)
      metrics[lane].countSent(items - rejected)
      metrics[lane].countDropped(rejected, reason: DropReason.rejected)
      if let rejection { log.partialSuccess(batch.signal, rejected: rejected, message: rejection.message) }
    case .retry(let delay, let error):
      metrics[lane].countRetry()
      log.retrying(batch.signal, after: delay, error: error)
    case .dropped(let reason, let error):
      let items = cursors[lane].advance(past: batch.lastSequence).items
      metrics[lane].countDropped(items, reason: reason)
      log.dropping(batch.signal, items: items, error: error)
    }
  }

  /// Waits for the time, an alarm, or the wish to stop.
  private func wait(until: Instant?, alarms: [Cursor.Alarm?]) {
    for (cursor, alarm) in zip(cursors, alarms) {
      if let alarm, cursor.setAlarm(alarm) { return }
    }
    let rest = until.map { $0.since(clock.monotonic) }
    let deadline = rest.map { SystemClock().monotonic + $0 }
    _ = control.wait(until: deadline) { control in
      defer { control.isRung = false }
      return control.isRung ? true : nil
    }
  }

  // MARK: Stopping

  /// How long a sink may take to end an interrupted call and to close.
  private static let grace = Duration.milliseconds(1500)

  /// Asks the thread to deliver what is pending until the deadline, and returns at once.
  ///
  /// Let nothing be appended any more. Ask all workers before waiting for any, so that they share the time.
  package func beginStop(deadline: Duration) {
    let stopBy = clock.monotonic + deadline
    control.withLock { control in
      if control.stopBy == nil { control.stopBy = stopBy }
      control.isRung = true
    }
    control.wakeAll()
  }

  /// Delivers what is pending until the deadline and ends the thread; what remains is counted and logged.
  ///
  /// A call of the sink that blocks is interrupted at the deadline; one that goes on is left behind with its thread
  /// 1.5 s later, since the process is about to end.
  /// - Returns: whether everything was delivered or counted as dropped before.
  @discardableResult
  package func stop(deadline: Duration) -> Bool {
    let until = SystemClock().monotonic + deadline
    beginStop(deadline: deadline)
    guard let thread = thread.withLock({ $0 }) else { return dropRest() }
    if !hasEnded(by: until) { sink.interrupt() }
    if hasEnded(by: until + SinkWorker.grace) { thread.join() }
    return dropRest()
  }

  private func hasEnded(by deadline: Instant) -> Bool {
    control.wait(until: deadline) { $0.hasEnded ? true : nil } ?? false
  }

  private func leave() {
    sink.stop()
    control.withLock { $0.hasEnded = true }
    control.wakeAll()
  }

  /// A memory journal ends with the process: what is still pending is lost, and said so. One on disk keeps it.
  private func dropRest() -> Bool {
    if journal.isDurable, settings.whenFull != .bestEffort { return cursors.allSatisfy { $0.status.oldest == nil } }
    var isClean = true
    for (lane, cursor) in cursors.enumerated() {
      let items = cursor.advance(past: journal.durableSequence).items
      guard items > 0 else { continue }
      isClean = false
      metrics[lane].countDropped(items, reason: DropReason.shutdown)
      log.droppedAtShutdown(signals[lane], items: items)
    }
    return isClean
  }
}
