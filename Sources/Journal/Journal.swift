// The journal: every accepted request once, in one bounded sequence that each sink reads at its own pace.

// # Problem
// A client's 200 is a promise: every sink configured at that moment gets the request at least once, or a named counter
// says why not. Sinks differ in speed by orders of magnitude, some are down for hours, and memory is bounded. With a
// queue per sink, one full queue would either block the others or make the client repeat what they already have.
//
// # Idea
// One sequence of records, and a cursor per sink and signal. A record is there once, whatever the number of sinks;
// taking a request is all or nothing; a cursor is two numbers, so a lagging sink costs nothing but the room its records
// take.
//
//      released │ first                          durable │ next
//     ──────────┼──[ 41 ][ 42 ][ 43 ][ 44 ][ 45 ][ 46 ]──┼──>
//                     ▲            ▲                     ▲
//             sqlite/traces   otlp_http/logs      debug/traces (nothing pending)
//
// # Invariants
// J1  A group of records is stored whole or refused whole, and refused before anything is dropped for it.
// J2  What the held records cost, payloads and fixed overheads, never exceeds the bound.
// J3  A cursor stands at a record that it wants, or behind the newest. Records below every cursor are released.
// J4  Sequence numbers are never used twice; cursors read only what is durable. In memory, that is at once.
// J5  Only sequence numbers and counts are touched under the lock: payloads are freed, sinks woken and completions run
//     outside it, so a completion may append.
// J6  Room is made at the expense of lossy cursors only: never of a `.refuse` cursor, and for a record that only
//     best-effort sinks want never of a durable sink. Such a record is always accepted, and dropped when there is no
//     room.
// J7  For each cursor, at any moment: routed = advanced + dropped + pending.
// J8  A batch that was read stays valid: when its cursor is pushed forward meanwhile, `advance` says how much of it had
//     not been counted as dropped.
//
// # Rejected
// - A queue per sink: see above. - Lock-free queues: slower for several readers, and the lock is one percent of a
// request. - Releasing records in the middle, so that one old record of a stuck sink does not hold newer ones that are
// done: possible in memory, not with whole files; both backings shall behave the same.

package import SelfTelemetry
package import System

/// One bounded sequence of accepted requests.
///
/// Safe from any thread: one lock, held for the time of O(cursors) per record; nothing here waits for a sink.
package final class Journal: Sendable {
  /// Kept with the files; random at each start of a memory journal, which forgets everything.
  package let id: JournalID
  package let settings: JournalSettings
  let state: Lock<JournalState>
  private let clock: any Clock
  private let metrics: JournalMetrics
  private let onWarning: @Sendable (JournalWarning.Change) -> Void
  /// The files and their thread; nil for a journal in memory.
  let log: DiskLog?
  /// Held as long as the journal lives.
  private let lock: FileLock?

  /// A journal in memory, whatever the settings' durability says.
  package init(
    settings: JournalSettings, clock: any Clock, metrics: MetricRegistry,
    onWarning: @escaping @Sendable (JournalWarning.Change) -> Void = { _ in }
  ) {
    id = JournalID.random()
    var settings = settings
    settings.durability = .memory
    self.settings = settings
    self.clock = clock
    self.metrics = JournalMetrics(metrics)
    self.onWarning = onWarning
    state = Lock(JournalState(capacity: settings.memoryBytesMax))
    log = nil
    lock = nil
    self.metrics.watch(self, in: metrics)
  }

  /// A journal in files; see `open`.
  init(
    log: DiskLog, lock: FileLock?, settings: JournalSettings, clock: any Clock, metrics: JournalMetrics,
    registry: MetricRegistry, onWarning: @escaping @Sendable (JournalWarning.Change) -> Void
  ) {
    id = log.id
    self.settings = settings
    self.clock = clock
    self.metrics = metrics
    self.onWarning = onWarning
    state = log.state
    self.log = log
    self.lock = lock
    metrics.watch(self, in: registry)
  }

  /// Appends a group of records, all or nothing.
  ///
  /// Refuses when they do not fit, or are more than the limit of a cursor, and it is `.refuse`; otherwise lossy cursors
  /// skip ahead. A record that
  /// no open cursor wants is accepted, counted and forgotten.
  /// - Parameter completion: called once, when the group is as durable as it will get: for a journal in memory before
  ///   `append` returns, otherwise perhaps later and on another thread. Never under the lock: it may append.
  package func append(_ records: [JournalRecord], whenDurable completion: @escaping @Sendable (AppendOutcome) -> Void) {
    let now = clock.monotonic
    if let log { return log.append(records, at: now, completion) }
    let effects = state.withLock { $0.append(records, at: now) }
    metrics.count(effects.outcome, unwantedItems: effects.unwantedItems)
    completion(effects.outcome)
    for wake in effects.wakes { wake() }
    if let change = effects.warning { onWarning(change) }
  }

  /// The set of these sinks, by their durable ids. The same sinks give the same set.
  package func routes(to sinks: [String]) -> RouteSet { state.withLock { $0.routes(to: sinks) } }

  /// Opens the only cursor of this sink and signal, at the oldest record held.
  ///
  /// - Parameters:
  ///   - limit: what may wait for it; nil: as much as the journal holds. It counts what is appended from now on.
  ///   - wake: called outside the lock, on the appending thread, when an alarm that the cursor set is reached.
  package func openCursor(
    sink: String, signal: UInt8, whenFull: WhenFull, limit: LagLimit? = nil, wake: @escaping @Sendable () -> Void = {}
  ) -> Cursor {
    let id = state.withLock {
      $0.openCursor(sink: sink, signal: signal, whenFull: whenFull, limit: limit, wake: wake)
    }
    return Cursor(id: id, journal: self)
  }

  /// Refuses every later append; cursors go on reading what is there.
  package func close() { state.withLock { $0.close() } }

  /// Lets the journal write: what is appended before waits. Open the cursors of all durable sinks first, since from now
  /// on files that no cursor needs are removed. A journal in memory needs no start.
  ///
  /// - Throws: `JournalError.failed`, when the cursors cannot be stored or no thread is left.
  package func start() throws(JournalError) { try log?.start() }

  /// Ends the journal's thread, after it has written what was appended; then the cursors are stored. Call it last.
  ///
  /// - Parameter limit: how long the disk may take; nil waits for ever. The thread is left behind then, since the
  ///   process is about to end.
  /// - Returns: how many groups were neither acknowledged nor refused when the time was over.
  @discardableResult
  package func finish(within limit: Duration? = nil) -> Int {
    close()
    return log?.finish(within: limit) ?? 0
  }

  /// Makes sure that no later record gets a number up to `sequence`, which a sink knows from the same journal.
  ///
  /// A sink can be ahead of the journal when the disk lost the journal's end: a number used twice would make it take a
  /// new record for one it has.
  package func reserve(through sequence: UInt64) { log?.reserve(through: sequence) }

  /// Whether pending records outlive the process.
  package var isDurable: Bool { log != nil }

  /// What is near its bound now.
  package var warnings: [JournalWarning] { state.withLock { $0.warnings } }

  /// What the start found; nil for a journal in memory.
  package var recovery: RecoveryReport? { log?.recovery }

  /// The newest sequence number that cursors may read; 0 when there is none.
  package var durableSequence: UInt64 { state.withLock { $0.durable } }

  /// How full a journal is.
  package struct Usage: Sendable, Equatable {
    package let records: Int
    /// Payloads and overheads.
    package let bytes: Int
    package let capacityBytes: Int
    /// Zero when the journal is empty.
    package let oldestAge: Duration

    package init(records: Int, bytes: Int, capacityBytes: Int, oldestAge: Duration) {
      self.records = records
      self.bytes = bytes
      self.capacityBytes = capacityBytes
      self.oldestAge = oldestAge
    }
  }

  package var usage: Usage {
    let now = clock.monotonic
    return state.withLock { state in
      // What is delivered and waits for its file to go has no age.
      let oldest = state.oldestPending ?? now
      return Usage(
        records: state.ring.count, bytes: state.ring.bytes, capacityBytes: settings.bytesMax,
        oldestAge: now.since(oldest))
    }
  }

  // MARK: For cursors

  func status(of cursor: Int) -> Cursor.Status { state.withLock { $0.status(of: cursor) } }

  func nextBatch(of cursor: Int, limits: Cursor.Limits, after read: UInt64) -> Cursor.Batch? {
    while let plan = state.withLock({ $0.nextBatch(of: cursor, limits: limits, after: read) }) {
      var reader = log?.reader
      var batch = Cursor.Batch()
      var isUnreadableNow = false
      for entry in plan.entries {
        var payload = entry.payload
        if payload == nil {
          do { payload = try reader?.payload(of: entry) } catch { isUnreadableNow = true }
        }
        guard let payload else { break }
        batch.entries.append(
          Cursor.Batch.Entry(
            sequence: entry.sequence, payload: payload, itemCount: entry.itemCount, isReread: entry.payload == nil))
        batch.lastSequence = entry.sequence
      }
      if !batch.entries.isEmpty {
        metrics.countReread(batch.entries.count { $0.isReread })
        return batch
      }
      if isUnreadableNow { return nil }
      // The first record cannot be read: it is damaged, or the cursor was pushed over it meanwhile.
      let lost = state.withLock { $0.lose(plan.entries[0].sequence, cursor) }
      metrics.countUnreadable(lost.records)
      // It is lost once what was read before it is settled.
      if lost.records == 0, read > 0 { return nil }
    }
    return nil
  }

  // In both, the garbage is freed when the result goes out of scope, outside the lock.
  func advance(_ cursor: Int, past sequence: UInt64) -> Amount {
    let (effects, isWaitedFor) = state.withLock { state in
      (state.advance(cursor, past: sequence), state.disk?.blockage == .full)
    }
    if isWaitedFor { state.wakeAll() }
    if let change = effects.warning { onWarning(change) }
    return effects.settled
  }

  func closeCursor(_ cursor: Int) -> Amount { state.withLock { $0.closeCursor(cursor) }.rest }

  func setAlarm(_ alarm: Cursor.Alarm, of cursor: Int) -> Bool {
    state.withLock { $0.setAlarm(alarm, of: cursor) }
  }
}
