// What the journal's lock guards besides the records when they are kept in files.

internal import Bytes
internal import System

/// Files, what waits to be written, and cursors of earlier lives.
struct DiskState {
  /// Those with records, in order; a file that was just begun has none before its first batch is durable.
  var segments: [Segment] = []
  /// Where sinks stood that have no open cursor: they hold nothing back, but go on there when they come again.
  var positions: [CursorsFile.Key: UInt64] = [:]
  /// The lowest sequence number that the files accounted for at the start.
  var oldest: UInt64?
  /// Records between a cursor of an earlier life and the oldest file: the file that had them is gone.
  var missingRecords: UInt64 = 0
  var queue: [QueuedGroup] = []
  /// How many groups wait, with those that are being written, and what they take of memory.
  var queuedGroups = 0
  var queuedBytes = 0
  /// The most it may take: more is refused at once.
  let queuedBytesMax: Int
  /// Why the first group of the queue has to wait; nil when it does not.
  var blockage: AppendOutcome.Refusal?
  /// Cursors were opened of which the file knows nothing yet.
  var hasNewCursors = false
  /// Something is there for the journal's thread to do.
  var isRung = false
  var isFinishing = false
  var hasEnded = false
  var failure: SystemError?

  func group(_ index: Int) -> QueuedGroup? { index < queue.count ? queue[index] : nil }

  /// The segment that holds the record.
  func segment(of sequence: UInt64) -> Segment? {
    var (low, high) = (0, segments.count)
    while low < high {
      let middle = (low + high) / 2
      if segments[middle].base <= sequence { low = middle + 1 } else { high = middle }
    }
    return low > 0 ? segments[low - 1] : nil
  }

  /// Where an earlier life left the cursor; a best-effort sink gets nothing twice, and starts with what is new.
  mutating func start(of cursor: CursorState) -> UInt64? {
    if cursor.whenFull == .bestEffort { return .max }
    let start = positions[cursor.key]
    if let start, let oldest, start < oldest { missingRecords = max(missingRecords, oldest - start) }
    return start
  }
}

extension CursorState {
  var key: CursorsFile.Key { CursorsFile.Key(sink: sink, signal: signal) }
}

extension JournalState {
  /// From this many records on, nothing is taken that only best-effort sinks want.
  private static let unwrittenCountMax = 1 << 20
  /// The largest group, so that 32 bits say where its records are in a file.
  private static let groupBytesMax = 2 << 30

  // MARK: Taking groups

  /// What an append to a journal on disk comes to at once.
  enum Admission {
    /// No file is needed for it; this many items had no taker.
    case accepted(unwantedItems: Int)
    case refused(AppendOutcome.Refusal)
    /// The journal's thread will answer.
    case queued
  }

  mutating func admit(
    _ records: [JournalRecord], deadline: Instant, completion: @escaping @Sendable (AppendOutcome) -> Void
  ) -> Admission {
    if disk?.failure != nil { return .refused(.failed) }
    if isClosed { return .refused(.closed) }
    if exceedsLimit(records) { return .refused(.queueFull) }
    var (entries, unwantedItems, bytes): ([QueuedGroup.Entry], Int, Int) = ([], 0, 0)
    for record in records {
      if record.payload.count > SlotHeader.payloadBytesMax { return .refused(.tooLarge) }
      let interest = interest(in: record)
      if interest == .none {
        unwantedItems += record.itemCount
        continue
      }
      let routes = routeBytes[Int(record.routes.number)].count
      let charge = JournalSettings.charge(payload: record.payload.count, routes: routes)
      entries.append(QueuedGroup.Entry(record: record, charge: interest == .durable ? charge : 0))
      bytes += record.cost
    }
    let isDurable = entries.contains { $0.isWritten }
    let group = QueuedGroup(
      entries: entries, unwantedItems: isDurable ? unwantedItems : 0, deadline: deadline,
      completion: isDurable ? completion : nil)
    if group.charge > min(capacity, JournalState.groupBytesMax) { return .refused(.tooLarge) }
    // What is in no file costs nothing of the bound; its number is bounded instead.
    if !isDurable, ring.count >= JournalState.unwrittenCountMax {
      for entry in entries { dropAtOnce(entry.record) }
      return .accepted(unwantedItems: unwantedItems)
    }
    if let queued = disk?.queuedBytes, queued > 0, queued + bytes > disk?.queuedBytesMax ?? 0 {
      if isDurable { return .refused(disk?.blockage ?? .full) }
      for entry in entries { dropAtOnce(entry.record) }
      return .accepted(unwantedItems: unwantedItems)
    }
    guard !entries.isEmpty else { return .accepted(unwantedItems: unwantedItems) }
    // In place, here and below: a second reference to the queue would make the change copy it.
    disk?.queue.append(group)
    disk?.queuedGroups += 1
    disk?.queuedBytes += bytes
    disk?.isRung = true
    countQueued(group, +=)
    return isDurable ? .queued : .accepted(unwantedItems: unwantedItems)
  }

  /// Notes that a group waits no longer: it is in the ring, or it was refused.
  private mutating func leaveQueue(_ group: QueuedGroup) {
    disk?.queuedGroups -= 1
    disk?.queuedBytes -= group.bytes
    countQueued(group) { queued, amount in
      queued -= amount
      // A limit that came while the group was on its way has not counted it.
      if queued.records < 0 { queued = Amount() }
    }
  }

  /// Keeps in mind what is on its way to cursors with a limit.
  private mutating func countQueued(_ group: QueuedGroup, _ change: (inout Amount, Amount) -> Void) {
    for index in cursors.indices where cursors[index].limit != nil {
      for entry in group.entries
      where cursors[index].wants(signal: entry.record.signal, routes: entry.record.routes) {
        change(&cursors[index].queued, entry.record.amount)
      }
    }
  }

  // MARK: The journal's thread

  /// What the journal's thread does next.
  struct Plan {
    var batch = WriteBatch()
    /// Files have to go before the next group fits.
    var needsRelease = false
    /// Groups that waited long enough for room.
    var refused: [(QueuedGroup, AppendOutcome.Refusal)] = []
  }

  /// Takes the groups from the queue that fit, or says what is in the way.
  mutating func plan(at now: Instant) -> Plan {
    var plan = Plan()
    disk?.isRung = false
    disk?.blockage = nil
    var taken = 0
    while !plan.batch.isFull, let group = disk?.group(taken) {
      let charge = plan.batch.charge + group.charge
      if charge > 0, ring.bytes + charge > capacity {
        guard taken == 0 else { break }
        plan.needsRelease = makeRoomOnDisk(ring.bytes + charge - capacity)
        if !plan.needsRelease {
          disk?.blockage = .full
          plan.refused = expire(at: now, .full)
        }
        return plan
      }
      plan.batch.append(group, first: ring.next) { routeBytes[Int($0.number)] }
      taken += 1
    }
    disk?.queue.removeFirst(taken)
    return plan
  }

  /// Frees whole files in mind: pushes the cursors that may give way over them, or changes nothing.
  private mutating func makeRoomOnDisk(_ excess: Int) -> Bool {
    var (freed, target): (Int, UInt64) = (0, ring.first)
    for segment in disk?.segments ?? [] where freed < excess {
      target = segment.last + 1
      freed = ring.bytes(below: target)
    }
    guard freed >= excess else { return false }
    for cursor in cursors where cursor.whenFull == .refuse && cursor.position < target { return false }
    for index in cursors.indices where cursors[index].position < target {
      cursors[index].dropped += cursors[index].settle(through: target - 1, in: ring)
    }
    return true
  }

  /// Takes the groups out of the queue that have waited too long.
  mutating func expire(
    at now: Instant, _ reason: AppendOutcome.Refusal
  ) -> [(QueuedGroup, AppendOutcome.Refusal)] {
    var expired: [QueuedGroup] = []
    disk?.queue.removeAll { group in
      if group.deadline <= now { expired.append(group) }
      return group.deadline <= now
    }
    for group in expired {
      leaveQueue(group)
      if group.completion == nil { for entry in group.entries { dropAtOnce(entry.record) } }
    }
    return expired.filter { $0.completion != nil }.map { ($0, reason) }
  }

  /// Puts a batch into the ring: it is durable, and cursors may read it.
  mutating func commit(
    _ batch: WriteBatch, _ placement: LogWriter.Placement?, held bytesMax: Int, at now: Instant
  ) -> AppendEffects {
    var effects = AppendEffects()
    for (index, record) in batch.records.enumerated() {
      precondition(record.sequence == ring.next, "the journal's thread alone gives out sequence numbers")
      store(record.record, charge: record.charge, offset: placement?.offsets[index] ?? 0, at: now)
      guard record.isWritten, let base = placement?.segment else { continue }
      if let last = disk?.segments.indices.last, disk?.segments[last].base == base {
        disk?.segments[last].last = record.sequence
        disk?.segments[last].charge += record.charge
      } else {
        disk?.segments.append(Segment(base: base, last: record.sequence, charge: record.charge))
      }
    }
    for group in batch.groups { leaveQueue(group) }
    evict(toHold: bytesMax, into: &effects.garbage)
    release(into: &effects.garbage)
    effects.wakes = takeWakes()
    return effects
  }

  /// Lets go of the oldest payloads in memory; what is in no file is lost to the best-effort sinks that lag.
  private mutating func evict(toHold bytesMax: Int, into garbage: inout [Bytes]) {
    while ring.heldBytes > bytesMax, ring.firstHeld < ring.next {
      let sequence = ring.firstHeld
      if ring.header(sequence).offset == 0 {
        for index in cursors.indices where cursors[index].position <= sequence {
          guard cursors[index].whenFull == .bestEffort else { continue }
          cursors[index].dropped += cursors[index].settle(through: sequence, in: ring)
        }
      }
      ring.evict(below: ring.after(sequence), into: &garbage)
    }
  }

  /// The batch could not be written: its groups wait again, in front.
  mutating func putBack(
    _ batch: WriteBatch, at now: Instant
  ) -> [(QueuedGroup, AppendOutcome.Refusal)] {
    disk?.queue.insert(contentsOf: batch.groups, at: 0)
    disk?.blockage = .noSpace
    return expire(at: now, .noSpace)
  }

  /// The disk failed: everything that waits is refused, and everything to come.
  mutating func fail(_ error: SystemError, _ batch: WriteBatch?) -> [(QueuedGroup, AppendOutcome.Refusal)] {
    let waiting = (batch?.groups ?? []) + (disk?.queue ?? [])
    disk?.queue = []
    for group in waiting { leaveQueue(group) }
    if disk?.failure == nil { disk?.failure = error }
    return waiting.map { ($0, .failed) }
  }

  // MARK: Cursors and files

  var hasDurableCursors: Bool { cursors.contains { $0.whenFull != .bestEffort } }

  /// What the file of the cursors should say.
  mutating func cursorsFile(_ id: JournalID) -> CursorsFile {
    var floor = ring.next
    for cursor in cursors where cursor.whenFull != .bestEffort { floor = min(floor, cursor.position) }
    // A sink without a cursor holds no file: it is not to stand where files may be gone, which would look like damage.
    let positions = (disk?.positions ?? [:]).mapValues { max($0, floor) }
    disk?.positions = positions
    var file = CursorsFile(id: id, next: ring.next, positions: positions)
    for cursor in cursors where cursor.whenFull != .bestEffort { file.positions[cursor.key] = cursor.position }
    disk?.hasNewCursors = false
    return file
  }

  /// Forgets the files below every live cursor, by the positions that are durable.
  ///
  /// - Parameter activeBase: the file that is being written, which goes only when `including` says so.
  mutating func retire(
    _ durable: CursorsFile, activeBase: UInt64?, including: Bool
  ) -> (names: [Segment], garbage: [Bytes]) {
    var floor = durable.next
    for cursor in cursors where cursor.whenFull != .bestEffort {
      floor = min(floor, durable.positions[cursor.key] ?? ring.first)
    }
    var retired: [Segment] = []
    while let segment = disk?.segments.first, segment.last < floor, including || segment.base != activeBase {
      retired.append(segment)
      disk?.segments.removeFirst()
    }
    var garbage: [Bytes] = []
    // Best-effort sinks hold no file.
    for index in cursors.indices where cursors[index].whenFull == .bestEffort && !retired.isEmpty {
      let last = retired[retired.count - 1].last
      guard cursors[index].position <= last else { continue }
      cursors[index].dropped += cursors[index].settle(through: last, in: ring)
    }
    release(into: &garbage)
    return (retired, garbage)
  }

  /// A record cannot be read: the cursor that stands at it goes on without it, counted as dropped.
  mutating func lose(_ sequence: UInt64, _ id: Int) -> Amount {
    guard let index = index(of: id), cursors[index].position == sequence else { return Amount() }
    let lost = cursors[index].settle(through: sequence, in: ring)
    cursors[index].dropped += lost
    cursors[index].damaged += lost
    return lost
  }

  /// Takes over a record that is in a file already.
  mutating func restore(_ recovered: RecoveredRecord, at appended: Instant) {
    let frame = recovered.frame
    ring.skip(to: frame.sequence)
    ring.appendOnDisk(
      signal: frame.signal, routes: routes(to: recovered.routes), itemCount: frame.itemCount,
      cost: frame.payloadCount + JournalSettings.recordOverheadBytes,
      charge: JournalSettings.charge(payload: frame.payloadCount, routes: frame.routesCount), offset: frame.offset,
      at: appended)
  }

  /// Gives no later record a number below `sequence`.
  mutating func skip(to sequence: UInt64) {
    ring.skip(to: sequence)
    for index in cursors.indices where cursors[index].pending.records == 0 { cursors[index].position = ring.next }
  }
}
