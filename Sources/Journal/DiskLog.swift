// The journal's thread: takes what waits, makes it durable, and only then acknowledges it.

// # Idea
// One thread owns the files. It takes everything that waits, writes it with one call and syncs once: under load the
// batches grow by themselves and no timer is needed. Completions run on this thread, outside all locks.
//
//   append ──> queue ──> [ batch ] ── write, fdatasync ──> ring ──> cursors
//                 ▲           │ no room
//                 └───────────┘ up to the group's deadline, then refused
//
// # Order of what becomes durable
// D1  The place of a new sink's cursor, before a record for it is acknowledged.
// D2  A record, before it is acknowledged or read.
// D3  The cursors, before a file below them is removed.

internal import Bytes
internal import SelfTelemetry
internal import System

final class DiskLog: Sendable {
  let id: JournalID
  let recovery: RecoveryReport
  let state: Lock<JournalState>
  private let files: any FileSystem
  private let settings: JournalSettings
  private let freeBytesMin: Int
  private let coder: FrameCoder
  private let relaxations: Relaxations
  private let clock: any Clock
  private let metrics: JournalMetrics
  private let syncs: Histogram
  private let onWarning: @Sendable (JournalWarning.Change) -> Void
  private let onFailure: @Sendable (SystemError) -> Void
  private let thread = Lock<Thread?>(nil)
  /// What only the journal's thread uses, and the main thread before it starts and after it ends.
  private let own: Lock<Own>

  private struct Own {
    var writer: LogWriter
    /// The content of the file of the cursors.
    var stored: CursorsFile
    /// Files that are not needed and could not be removed.
    var leftovers: [String] = []
    var cursorsDue: Instant
    var placeDue: Instant
    /// Out of space, nothing is tried before.
    var retryAt: Instant?
  }

  /// How often the cursors are stored when they have moved, and how long a sink may get again what it had at a crash.
  private static let cursorsInterval = Duration.seconds(1)
  private static let placeInterval = Duration.seconds(10)
  private static let retryInterval = Duration.milliseconds(100)
  /// The file that is being written goes when all of it was delivered and it is this large.
  private static let retireBytes = 1 << 20
  /// The disk is called short of space below this, also when none has to stay free.
  private static let warnedBytesMin = 1 << 20
  private static let retireRecords = 1 << 16

  init(
    files: any FileSystem, settings: JournalSettings, relaxations: Relaxations, clock: any Clock,
    metrics: JournalMetrics, onWarning: @escaping @Sendable (JournalWarning.Change) -> Void,
    onFailure: @escaping @Sendable (SystemError) -> Void
  ) throws(JournalError) {
    var state = JournalState(capacity: settings.diskBytesMax)
    state.disk = DiskState(queuedBytesMax: max(settings.memoryBytesMax, 1 << 20))
    let (now, wall) = (clock.monotonic, clock.wall)
    let recovery = try Recovery(files, relaxations: relaxations) { record in
      let age = Duration.nanoseconds(Int64(clamping: wall &- min(wall, record.frame.acceptedUnixNano)))
      let appended = Instant(nanoseconds: now.nanoseconds - min(now.nanoseconds, age.nanoseconds))
      state.restore(record, at: appended)
    }
    state.skip(to: recovery.next)
    state.disk?.segments = recovery.segments
    state.disk?.positions = recovery.cursors.positions
    state.disk?.oldest = recovery.oldest
    id = recovery.id
    self.recovery = recovery.report
    metrics.count(recovery.report)
    self.files = files
    self.settings = settings
    self.relaxations = relaxations
    self.clock = clock
    self.metrics = metrics
    syncs = metrics.syncs()
    self.onWarning = onWarning
    self.onFailure = onFailure
    coder = FrameCoder(id: recovery.id, relaxations: relaxations)
    do {
      let total = try files.space().total
      freeBytesMin = settings.freeBytesMin ?? min(512 << 20, total / 20)
    } catch { throw .failed(error) }
    let writer = LogWriter(
      files: files, settings: settings, coder: coder, id: id, expected: recovery.segments.last.map { $0.last + 1 } ?? 1)
    let cursorsDue = relaxations.contains(.lazyCursors) ? now + DiskLog.cursorsInterval : now
    own = Lock(Own(writer: writer, stored: recovery.cursors, cursorsDue: cursorsDue, placeDue: now))
    self.state = Lock(state)
    metrics.watchMissing(self)
  }

  var reader: LogReader { LogReader(files: files, coder: coder) }

  // MARK: Any thread

  func append(_ records: [JournalRecord], at now: Instant, _ completion: @escaping @Sendable (AppendOutcome) -> Void) {
    let deadline = now + settings.patience
    switch state.withLock({ $0.admit(records, deadline: deadline, completion: completion) }) {
    case .queued: state.wakeAll()
    case .accepted(let unwantedItems):
      metrics.count(.accepted, unwantedItems: unwantedItems)
      state.wakeAll()
      completion(.accepted)
    case .refused(let refusal):
      metrics.count(.refused(refusal), unwantedItems: 0)
      completion(.refused(refusal))
    }
  }

  /// Calls `done` when everything that waits now is accepted or refused, on the journal's thread.
  func afterQueue(_ done: @escaping @Sendable () -> Void) {
    let deadline = clock.monotonic + settings.patience
    let group = QueuedGroup(entries: [], unwantedItems: 0, deadline: deadline) { _ in done() }
    state.withLock { state in
      // What is in a batch or in the queue comes first: both keep their order.
      state.disk?.queue.append(group)
      state.disk?.queuedGroups += 1
      state.disk?.isRung = true
    }
    state.wakeAll()
  }

  func reserve(through sequence: UInt64) {
    guard sequence < JournalFormat.sequenceMax else { return }
    // With `own`, no batch is on its way whose numbers are given out already.
    own.withLock { _ in state.withLock { $0.skip(to: sequence + 1) } }
  }

  // MARK: Life

  func start() throws(JournalError) {
    do {
      try own.withLock { (own) throws(LogFailure) in
        do throws(LogFailure) {
          try storeCursors(&own)
        } catch {
          // D1 holds every write back until there is room for them.
          guard case .outOfSpace = error else { throw error }
        }
      }
      let thread = try Thread(name: "journal") { self.run() }
      self.thread.withLock { $0 = thread }
    } catch let error as SystemError {
      throw .failed(error)
    } catch {
      throw .failed((error as? LogFailure)?.error ?? SystemError(code: 0, doing: "cannot start the journal"))
    }
  }

  private func run() {
    while true {
      while turn() {}
      let isOver = state.withLock { state in
        (state.disk?.isFinishing ?? true) && (state.disk?.queue.isEmpty ?? true) || state.disk?.failure != nil
      }
      if isOver {
        end()
        state.withLock { $0.disk?.hasEnded = true }
        return state.wakeAll()
      }
      let isBlocked = state.withLock { $0.disk?.blockage != nil }
      let pause = isBlocked ? DiskLog.retryInterval : DiskLog.cursorsInterval
      _ = state.wait(until: SystemClock().monotonic + pause) { $0.disk?.isRung == true ? true : nil }
    }
  }

  /// - Returns: how many groups the disk kept waiting beyond the limit.
  func finish(within limit: Duration?) -> Int {
    state.withLock { state in
      state.disk?.isFinishing = true
      state.disk?.isRung = true
    }
    state.wakeAll()
    if let thread = thread.withLock({ $0 }) {
      // Its own lock is held while the disk is busy: from here on nothing may wait for that one.
      let deadline = limit.map { SystemClock().monotonic + $0 }
      let hasEnded = state.wait(until: deadline) { $0.disk?.hasEnded == true ? true : nil }
      guard hasEnded == true else { return state.withLock { $0.disk?.queuedGroups ?? 0 } }
      thread.join()
    }
    end()
    return 0
  }

  /// Stores the cursors a last time. A failure costs nothing but sinks that get some records again.
  private func end() {
    own.withLock { own in
      guard state.withLock({ $0.disk?.failure == nil }) else { return }
      own.writer.seal()
      try? storeCursors(&own, includingNext: true)
    }
  }

  // MARK: One turn

  /// What to do outside all locks.
  private struct Actions {
    var answers: [(QueuedGroup, AppendOutcome)] = []
    var wakes: [@Sendable () -> Void] = []
    var warnings: [JournalWarning.Change] = []
    var failure: SystemError?
  }

  /// Does what is due now. The journal's thread calls it; a test may call it instead of `start`.
  ///
  /// - Returns: whether there may be more to do at once.
  func turn() -> Bool {
    var actions = Actions()
    let goesOn = own.withLock { step(&$0, &actions) }
    for (group, outcome) in actions.answers {
      if !group.entries.isEmpty { metrics.count(outcome, unwantedItems: group.unwantedItems) }
      group.completion?(outcome)
    }
    for wake in actions.wakes { wake() }
    if let change = state.withLock({ $0.watchBytes() }) { actions.warnings.append(change) }
    for change in actions.warnings { onWarning(change) }
    if let failure = actions.failure { onFailure(failure) }
    return goesOn
  }

  private func step(_ own: inout Own, _ actions: inout Actions) -> Bool {
    let now = clock.monotonic
    if state.withLock({ $0.disk?.failure != nil }) { return false }
    do throws(LogFailure) {
      try housekeeping(&own, at: now, &actions)
    } catch {
      if case .fatal(let error) = error { return fail(error, nil, &actions) }
    }
    if let retryAt = own.retryAt, now < retryAt {
      let expired = state.withLock { state in
        state.disk?.isRung = false
        return state.expire(at: now, .noSpace)
      }
      refuse(expired, &actions)
      return false
    }
    own.retryAt = nil
    let plan = state.withLock { $0.plan(at: now) }
    refuse(plan.refused, &actions)
    do throws(LogFailure) {
      if plan.needsRelease {
        // Files that cannot be removed are no room.
        if try release(&own, including: true) { return true }
        throw .outOfSpace(.noSpace("cannot remove files of the journal"))
      }
      if plan.batch.groups.isEmpty { return false }
      try write(plan.batch, &own, at: now, &actions)
      return true
    } catch {
      switch error {
      case .fatal(let error): return fail(error, plan.batch, &actions)
      case .outOfSpace:
        own.retryAt = now + DiskLog.retryInterval
        refuse(state.withLock { $0.putBack(plan.batch, at: now) }, &actions)
        return false
      }
    }
  }

  private func write(
    _ batch: WriteBatch, _ own: inout Own, at now: Instant, _ actions: inout Actions
  ) throws(LogFailure) {
    // D1
    if state.withLock({ $0.disk?.hasNewCursors == true }), !relaxations.contains(.lazyCursors) {
      try storeCursors(&own)
    }
    if batch.firstWritten != nil { try checkSpace(&actions) }
    let isEager = relaxations.contains(.readAhead)
    if isEager { _ = commit(batch, nil, at: now) }
    let placement = try own.writer.write(batch, wall: clock.wall, clock: clock) { syncs.observe(seconds: $0.seconds) }
    // D2
    if !isEager { actions.wakes += commit(batch, placement, at: now) }
    actions.answers += batch.groups.map { ($0, .accepted) }
  }

  /// - Returns: whom to wake. The payloads that went out of memory are freed here, outside the lock.
  private func commit(
    _ batch: WriteBatch, _ placement: LogWriter.Placement?, at now: Instant
  ) -> [@Sendable () -> Void] {
    let bytesMax = settings.memoryBytesMax
    return state.withLock { $0.commit(batch, placement, held: bytesMax, at: now) }.wakes
  }

  private func checkSpace(_ actions: inout Actions) throws(LogFailure) {
    // A file system that cannot say how much is free says so when it is written to.
    guard let free = try? files.space().free else { return }
    let bytes = max(freeBytesMin, DiskLog.warnedBytesMin)
    if let change = state.withLock({ $0.watchSpace(free: free, staysFree: bytes) }) { actions.warnings.append(change) }
    guard free < freeBytesMin else { return }
    throw .outOfSpace(.noSpace("cannot write the journal: \(free) bytes are free, and \(freeBytesMin) stay free"))
  }

  private func refuse(_ groups: [(QueuedGroup, AppendOutcome.Refusal)], _ actions: inout Actions) {
    actions.answers += groups.map { ($0.0, .refused($0.1)) }
  }

  private func fail(_ error: SystemError, _ batch: WriteBatch?, _ actions: inout Actions) -> Bool {
    refuse(state.withLock { $0.fail(error, batch) }, &actions)
    actions.failure = error
    return false
  }

  // MARK: Cursors and files

  private func housekeeping(
    _ own: inout Own, at now: Instant, _ actions: inout Actions
  ) throws(LogFailure) {
    if now >= own.placeDue {
      own.placeDue = now + DiskLog.placeInterval
      guard files.isInPlace else {
        throw .fatal(SystemError.gone("the journal's directory \(settings.directory) was moved or replaced"))
      }
    }
    guard now >= own.cursorsDue else { return }
    own.cursorsDue = now + DiskLog.cursorsInterval
    // Whoever wants to write is told; here it is for the warning.
    try? checkSpace(&actions)
    let activeBase = own.writer.activeBase
    let isLarge = state.withLock { state in
      let charge = state.disk?.segments.last { $0.base == activeBase }?.charge ?? 0
      // What is in memory only is remembered as long as an older file is there.
      return charge >= DiskLog.retireBytes || state.ring.count >= DiskLog.retireRecords
    }
    try release(&own, including: isLarge)
  }

  /// Stores the cursors when they have moved, then removes the files that none of them needs.
  ///
  /// - Parameter including: also the file that is being written, when all of it was delivered.
  /// - Returns: whether a file went.
  @discardableResult
  private func release(_ own: inout Own, including: Bool) throws(LogFailure) -> Bool {
    if relaxations.contains(.removeFirst) {
      remove(&own, state.withLock { state in state.retire(state.cursorsFile(id), activeBase: nil, including: true) })
    }
    try storeCursors(&own)
    let stored = own.stored
    let active = own.writer.activeBase
    let retired = state.withLock { $0.retire(stored, activeBase: active, including: including) }
    remove(&own, retired)
    return !retired.names.isEmpty
  }

  private func remove(_ own: inout Own, _ retired: (names: [Segment], garbage: [Bytes])) {
    if retired.names.contains(where: { $0.base == own.writer.activeBase }) { own.writer.seal() }
    let names = own.leftovers + retired.names.map(\.name)
    own.leftovers = []
    for name in names where (try? files.remove(name)) == nil { own.leftovers.append(name) }
  }

  /// - Parameter includingNext: also when only `next` has moved, so that the next start knows how much was durable.
  private func storeCursors(_ own: inout Own, includingNext: Bool = false) throws(LogFailure) {
    let (current, wasNew, hasCursors) = state.withLock { state in
      let wasNew = state.disk?.hasNewCursors ?? false
      return (state.cursorsFile(id), wasNew, state.hasDurableCursors)
    }
    // `next` grows with every record, and says something only when no position does.
    let isNextSaying = includingNext || !hasCursors
    if current.positions == own.stored.positions, !isNextSaying || current.next == own.stored.next { return }
    do throws(LogFailure) {
      try current.write(to: files)
      own.stored = current
    } catch {
      if wasNew { state.withLock { $0.disk?.hasNewCursors = true } }
      throw error
    }
  }
}
