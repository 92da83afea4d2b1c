// Drives one sink: batches from the journal, attempts, retries, and a count for every item that is lost.

internal import Bytes
package import Journal
package import Logging
package import OTLP
package import SelfTelemetry
package import System

/// The threads of one sink: as many as it may have calls at the same time, all doing the same.
///
/// Delivers at least once: a cursor advances only when all of a load was delivered or given up, and given up means
/// counted and logged. Each signal has its own lane, so one that fails does not hold the others back; calls of the sink
/// that block do when they have taken all threads but one. What to do is decided by `LaneRotation`, under the lock;
/// reading the journal and calling the sink happen outside it.
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
  private let threads = Lock<[Thread]>([])
  private let hasEnded = Lock(false)

  /// What the threads share.
  fileprivate struct Control {
    var lanes: LaneRotation
    /// Something may have become due: one thread has to look.
    var isRung = false
    var idle = 0
    var running = 0
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
    let control = Lock(Control(lanes: LaneRotation(lanes: signals.count, settings: settings)))
    self.control = control
    let cursors = signals.map { signal in
      journal.openCursor(
        sink: id, signal: signal.rawValue, whenFull: settings.whenFull, limit: settings.lagLimit
      ) { control.ring() }
    }
    self.cursors = cursors
    self.metrics = signals.map { SinkMetrics(sink: id, signal: $0, registry: metrics) }
    inFlight = metrics.gauge(
      "otelcol_exporter_in_flight_requests", help: "Batches that the sink is delivering right now.",
      labels: [Label("exporter", id)])
    for (lane, metrics) in self.metrics.enumerated() {
      metrics.watch(
        cursors[lane], capacity: journal.settings.bytesMax, isLimited: settings.lagLimit != nil, clock: clock)
      metrics.watchPause { control.withLock { $0.lanes.pauseReason(lane) != nil } }
    }
  }

  /// Starts the sink, on this thread, and then its own threads.
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
    control.withLock { $0.running = settings.consumers }
    for number in 0..<settings.consumers {
      do {
        let thread = try Thread(name: id) { self.run() }
        threads.withLock { $0.append(thread) }
      } catch {
        control.withLock { $0.running -= settings.consumers - number }
        throw error
      }
    }
  }

  /// The life of each of the sink's threads.
  private func run() {
    while true {
      switch nextStep() {
      case .read(let lane, let reading):
        let load = read(reading, lane: lane)
        settle(lane) { $0.take(load, lane: lane, at: clock.monotonic) }
      case .send(let lane, let sending):
        let start = clock.monotonic
        let result = send(sending.batch)
        if case .failure(let error) = result { metrics[lane].note(error, at: clock.wall) }
        let verdict = settle(lane) {
          $0.ended(sending, result, lane: lane, start: start, now: clock.monotonic, jitter: .random(in: -1...1))
        }
        tell(verdict, lane: lane)
      case .wait(let until, let alarms):
        wait(until: until, alarms: alarms)
      case .finish:
        return leave()
      }
    }
  }

  private func nextStep() -> LaneRotation.Step {
    let (step, hasIdle) = control.withLock { control in
      let step = control.lanes.next(at: clock.monotonic, backlog: status)
      let hasIdle = control.idle > 0
      // From here on, so that whoever finds more to do rings for this thread.
      if case .wait = step { control.idle += 1 }
      return (step, hasIdle)
    }
    switch step {
    // There may be more to do: another thread looks, and waits for what comes.
    case .send where hasIdle, .finish: control.ring()
    case .send, .read, .wait: break
    }
    return step
  }

  private func status(_ lane: Int) -> Cursor.Status {
    let status = cursors[lane].status
    log.dropped(signals[lane], behind: status.dropped.items - status.damaged.items)
    return status
  }

  /// What comes next in the journal; nil when that cannot be read at the moment.
  private func read(_ reading: Lane.Reading, lane: Int) -> Load? {
    guard let records = cursors[lane].nextBatch(limits: reading.limits, after: reading.after) else { return nil }
    var requests: [ExportRequest] = []
    var (amount, last) = (Amount(), UInt64(0))
    for entry in records.entries {
      let one = Amount(
        records: 1, items: entry.itemCount, bytes: entry.payload.count + JournalSettings.recordOverheadBytes)
      guard let request = request(entry, lane: lane) else {
        // What comes before it goes first; then it is settled, alone.
        if requests.isEmpty { return Load(damaged: one, lastSequence: entry.sequence) }
        break
      }
      requests.append(request)
      amount += one
      last = entry.sequence
    }
    if settings.mayReshape { requests = ExportRequest.merged(requests) }
    // What comes from files is one block of memory from here to the wire; what is in the journal's is copied late.
    if settings.mayReshape, records.entries.contains(where: \.isReread) { requests = ExportRequest.gathered(requests) }
    let batch = Batch(signal: signals[lane], requests: requests, journalID: journal.id, lastSequence: last)
    let limits = reading.limits
    let batches =
      settings.mayReshape ? batch.divided(itemsMax: limits.itemsMax, bytesMax: limits.bytesMax) : [batch]
    return Load(batches, lastSequence: last, amount: amount)
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
    guard let attempt = signals.firstIndex(of: batch.signal).flatMap({ metrics[$0].attempt }) else {
      return export(batch)
    }
    let start = clock.monotonic
    attempt.began()
    let result = export(batch)
    attempt.ended(after: clock.monotonic.since(start).seconds, at: clock.wall, failure: result.problem)
    return result
  }

  private func export(_ batch: Batch) -> Result<ExportRequest.Rejection?, ExportError> {
    do throws(ExportError) {
      return .success(try sink.export(batch))
    } catch {
      return .failure(error)
    }
  }

  /// Changes the lanes, and moves the lane's cursor over what is done.
  ///
  /// Under the lock, since two threads that settle in the wrong order would count under each other's reasons.
  @discardableResult
  private func settle<Result>(_ lane: Int, _ change: (inout LaneRotation) -> Result) -> Result {
    control.withLock { control in
      let result = change(&control.lanes)
      for settlement in control.lanes.takeSettled(lane) {
        // Items that the journal dropped meanwhile were counted by it.
        metrics[lane].count(cursors[lane].advance(past: settlement.lastSequence).items, drops: settlement.drops)
      }
      return result
    }
  }

  /// Counts and logs what does not wait for the cursor.
  private func tell(_ verdict: Lane.Verdict, lane: Int) {
    let signal = signals[lane]
    switch verdict {
    case .delivered(let rejected, let message):
      if let message { log.partialSuccess(signal, rejected: rejected, message: message) }
    case .retry(let delay, let error):
      metrics[lane].countRetry()
      log.retrying(signal, after: delay, error: error)
    case .paused(let error):
      metrics[lane].countRetry()
      log.paused(signal, error: error)
    case .divided(let error):
      log.dividing(signal, error: error)
    case .dropped(let items, _, let error):
      log.dropping(signal, items: items, error: error)
    case .overtaken: break
    }
  }

  /// Waits for the time, an alarm, a change by another thread, or the wish to stop.
  private func wait(until: Instant?, alarms: [Cursor.Alarm?]) {
    defer { control.withLock { $0.idle -= 1 } }
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

  /// The signals that do not go well at the moment.
  package var troubles: [DeliveryTrouble] {
    control.withLock { control in
      signals.indices.compactMap { lane in
        let isPaused = control.lanes.pauseReason(lane) != nil
        return control.lanes.trouble(lane).map {
          DeliveryTrouble(sink: id, signal: signals[lane], isPaused: isPaused, reason: $0)
        }
      }
    }
  }

  /// How far the sink is behind: what waits for it, and how long the oldest of it has.
  package var lag: SinkLag {
    let now = clock.monotonic
    let all = cursors.map(\.status)
    let items = all.reduce(0) { $0 + $1.pending.items }
    return SinkLag(sink: id, items: items, age: all.compactMap(\.oldest).min().map { now.since($0) })
  }

  // MARK: Stopping

  /// How long a sink may take to end an interrupted call and to close.
  private static let grace = Duration.milliseconds(1500)

  /// Asks the threads to deliver what is pending until the deadline, and returns at once.
  ///
  /// Let nothing be appended any more. Ask all workers before waiting for any, so that they share the time.
  package func beginStop(deadline: Duration) {
    let now = clock.monotonic
    control.withLock { $0.lanes.stop(by: now + deadline, at: now) }
    control.ring()
  }

  /// Delivers what is pending until the deadline and ends the threads; what remains is counted and logged.
  ///
  /// A call of the sink that blocks is interrupted at the deadline; one that goes on is left behind with its thread
  /// 1.5 s later, since the process is about to end.
  /// - Returns: whether everything was delivered or counted as dropped before.
  @discardableResult
  package func stop(deadline: Duration) -> Bool {
    let until = SystemClock().monotonic + deadline
    beginStop(deadline: deadline)
    let threads = threads.withLock { $0 }
    guard !threads.isEmpty else { return dropRest() }
    if !hasEnded(by: until) { sink.interrupt() }
    if hasEnded(by: until + SinkWorker.grace) { for thread in threads { thread.join() } }
    return dropRest()
  }

  private func hasEnded(by deadline: Instant) -> Bool { hasEnded.wait(until: deadline) { $0 ? true : nil } ?? false }

  /// The last thread closes the sink.
  private func leave() {
    let isLast = control.withLock { control in
      control.running -= 1
      return control.running == 0
    }
    guard isLast else { return }
    sink.stop()
    hasEnded.withLock { $0 = true }
    hasEnded.wakeAll()
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

extension Lock {
  /// Makes one of the waiting threads look, or the next one that would wait.
  fileprivate func ring() where State == SinkWorker.Control {
    withLock { $0.isRung = true }
    wakeOne()
  }
}

extension Result where Failure == ExportError {
  /// Why the attempt failed.
  fileprivate var problem: String? {
    switch self {
    case .success: nil
    case .failure(.retryable(_, let reason)), .failure(.blocked(let reason)), .failure(.tooLarge(let reason)),
      .failure(.invalid(let reason)), .failure(.permanent(let reason)):
      reason
    }
  }
}
