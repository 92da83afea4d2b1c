// What the journal's lock guards, and the rules of room: a plain struct without threads.

internal import Bytes
internal import System

/// The journal's state; every function is one critical section and returns what to do outside it.
struct JournalState {
  let capacity: Int
  var ring = SlotRing()
  /// Cursors read nothing above it (J4).
  var durable: UInt64 { ring.next - 1 }
  var cursors: [CursorState] = []
  private var cursorsOpened = 0
  /// Cursors that were given up, for their counts.
  var formerCursors: [CursorState] = []
  /// Whether the sinks of the start are known: one that comes later begins with what is new.
  var hasKnownSinks = false
  /// By route number: the sinks' names, sorted, and as they are stored.
  private(set) var routeNames: [[String]] = []
  private(set) var routeBytes: [Bytes] = []
  private var numbers: [[String]: Int32] = [:]
  private(set) var isClosed = false
  /// What there is of files; nil for a journal in memory.
  var disk: DiskState?
  /// Of the bound, and of the disk.
  var fullness = Watermark()
  var shortage = Watermark()

  init(capacity: Int) { self.capacity = capacity }

  /// What an append asks of its caller, outside the lock.
  struct AppendEffects {
    var outcome = AppendOutcome.accepted
    /// Items that no sink wanted.
    var unwantedItems = 0
    var wakes: [@Sendable () -> Void] = []
    /// Payloads to let go of.
    var garbage: [Bytes] = []
    var warning: JournalWarning.Change?
  }

  mutating func append(_ records: [JournalRecord], at now: Instant) -> AppendEffects {
    var effects = AppendEffects()
    guard !isClosed else {
      effects.outcome = .refused(.closed)
      return effects
    }
    let interests = records.map { interest(in: $0) }
    if records.contains(where: { $0.payload.count > SlotHeader.payloadBytesMax }) {
      effects.outcome = .refused(.tooLarge)
      return effects
    }
    if exceedsLimit(records) {
      effects.outcome = .refused(.queueFull)
      return effects
    }
    if let refusal = makeRoom(for: records, interests, &effects.garbage) {
      effects.outcome = .refused(refusal)
      return effects
    }
    let bestEffortFits = roomForBestEffort(records, interests, &effects.garbage)
    for (record, interest) in zip(records, interests) {
      switch interest {
      case .none: effects.unwantedItems += record.itemCount
      case .bestEffort where !bestEffortFits: dropAtOnce(record)
      case .bestEffort, .durable: store(record, charge: record.cost, offset: 0, at: now)
      }
    }
    release(into: &effects.garbage)
    effects.wakes = takeWakes()
    effects.warning = watchBytes()
    return effects
  }

  mutating func takeWakes() -> [@Sendable () -> Void] {
    cursors.indices.compactMap { cursors[$0].takeAlarm() ? cursors[$0].wake : nil }
  }

  /// Who wants a record.
  enum Interest {
    case none
    case bestEffort
    case durable
  }

  func interest(in record: JournalRecord) -> Interest {
    var interest = Interest.none
    // Cursors are looked at in place: a copy would count references.
    for index in cursors.indices where cursors[index].wants(signal: record.signal, routes: record.routes) {
      guard cursors[index].whenFull == .bestEffort else { return .durable }
      interest = .bestEffort
    }
    return interest
  }

  /// Makes room for what durable sinks want; lossy cursors give way.
  private mutating func makeRoom(
    for records: [JournalRecord], _ interests: [Interest], _ garbage: inout [Bytes]
  ) -> AppendOutcome.Refusal? {
    var cost = 0
    for (record, interest) in zip(records, interests) where interest == .durable { cost += record.cost }
    if cost > capacity { return .tooLarge }
    return free(cost, atExpenseOf: { $0 != .refuse }, &garbage) ? nil : .full
  }

  /// Makes room for the rest of a group; only best-effort cursors give way (J6).
  private mutating func roomForBestEffort(
    _ records: [JournalRecord], _ interests: [Interest], _ garbage: inout [Bytes]
  ) -> Bool {
    guard interests.contains(.bestEffort) else { return true }
    var cost = 0
    for (record, interest) in zip(records, interests) where interest != .none { cost += record.cost }
    return free(cost, atExpenseOf: { $0 == .bestEffort }, &garbage)
  }

  /// Pushes the cursors that may give way as far as needed for `cost` more bytes, or changes nothing.
  private mutating func free(
    _ cost: Int, atExpenseOf givesWay: (WhenFull) -> Bool, _ garbage: inout [Bytes]
  ) -> Bool {
    let excess = ring.bytes + cost - capacity
    if excess <= 0 { return true }
    var floor = ring.next
    for index in cursors.indices where !givesWay(cursors[index].whenFull) {
      floor = min(floor, cursors[index].position)
    }
    guard ring.bytes(below: floor) >= excess else { return false }
    var target = ring.first
    var freed = 0
    while freed < excess {
      target = ring.after(target)
      freed = ring.bytes(below: target)
    }
    for index in cursors.indices where cursors[index].position < target {
      cursors[index].dropped += cursors[index].settle(through: target - 1, in: ring)
    }
    release(into: &garbage)
    return true
  }

  /// Puts a record into the ring that is as durable as it will get.
  mutating func store(_ record: JournalRecord, charge: Int, offset: Int, at now: Instant) {
    ring.append(record, charge: charge, offset: offset, at: now)
    let amount = ring.header(durable).amount
    for index in cursors.indices {
      if cursors[index].wants(signal: record.signal, routes: record.routes) {
        cursors[index].routed += amount
        cursors[index].pending += amount
        keepToLimit(index)
      } else if cursors[index].pending.records == 0 {
        cursors[index].position = ring.next
      }
    }
  }

  /// Accepts a record that only best-effort sinks want and for which there is no room.
  mutating func dropAtOnce(_ record: JournalRecord) {
    for index in cursors.indices where cursors[index].wants(signal: record.signal, routes: record.routes) {
      cursors[index].routed += record.amount
      cursors[index].dropped += record.amount
    }
  }

  /// Releases what lies below every cursor.
  mutating func release(into garbage: inout [Bytes]) {
    var floor = ring.next
    for index in cursors.indices { floor = min(floor, cursors[index].position) }
    guard let disk else { return ring.release(below: floor, into: &garbage) }
    // Files go whole: what is known of their records goes with them.
    ring.evict(below: floor, into: &garbage)
    ring.release(below: min(floor, disk.segments.first?.base ?? floor), into: &garbage)
  }

  mutating func close() { isClosed = true }

  // MARK: Routes and cursors

  mutating func routes(to sinks: [String]) -> RouteSet {
    let names = Set(sinks).sorted()
    if let number = numbers[names] { return RouteSet(number: number) }
    numbers[names] = Int32(routeNames.count)
    routeNames.append(names)
    routeBytes.append(FrameCoder.routes(names))
    for index in cursors.indices { cursors[index].wanted.append(names.contains(cursors[index].sink)) }
    return RouteSet(number: Int32(routeNames.count - 1))
  }

  mutating func openCursor(
    sink: String, signal: UInt8, whenFull: WhenFull, limit: LagLimit?, wake: @escaping @Sendable () -> Void
  ) -> Int {
    if let index = cursors.firstIndex(where: { $0.sink == sink && $0.signal == signal }) {
      precondition(hasKnownSinks, "a sink has one cursor per signal")
      return takeOver(index, whenFull: whenFull, limit: limit, wake: wake)
    }
    cursorsOpened += 1
    var cursor = CursorState(
      id: cursorsOpened, sink: sink, signal: signal, whenFull: whenFull, limit: limit, wake: wake)
    cursor.wanted = routeNames.map { $0.contains(sink) }
    // It starts at the oldest record that is there, like any cursor that the journal does not know.
    let start = hasKnownSinks ? ring.next : disk?.start(of: cursor) ?? ring.first
    cursor.position = ring.next
    var sequence = ring.first
    while sequence < ring.next {
      let header = ring.header(sequence)
      if sequence >= start, cursor.wants(signal: header.signal, routes: header.routes) {
        if cursor.pending.records == 0 { cursor.position = sequence }
        cursor.pending += header.amount
      }
      sequence = ring.after(sequence)
    }
    cursor.recovered = cursor.pending
    cursor.routed = cursor.pending
    if let former = formerCursors.firstIndex(where: { $0.key == cursor.key }) {
      cursor.count(as: formerCursors.remove(at: former))
    }
    cursors.append(cursor)
    if whenFull != .bestEffort { disk?.hasNewCursors = true }
    return cursor.id
  }

  /// A sink whose settings have changed goes on at its place.
  private mutating func takeOver(
    _ index: Int, whenFull: WhenFull, limit: LagLimit?, wake: @escaping @Sendable () -> Void
  ) -> Int {
    switch (cursors[index].whenFull, whenFull) {
    case (.bestEffort, .bestEffort): break
    case (.bestEffort, _): disk?.hasNewCursors = true
    case (_, .bestEffort): disk?.positions[cursors[index].key] = cursors[index].position
    case _: break
    }
    cursors[index].whenFull = whenFull
    // Only with a limit is it known what is on its way; what is now leaves the queue without having been counted.
    if cursors[index].limit == nil || limit == nil { cursors[index].queued = Amount() }
    cursors[index].limit = limit
    cursors[index].wake = wake
    cursors[index].alarm = nil
    return cursors[index].id
  }

  mutating func closeCursor(_ id: Int) -> (rest: Amount, garbage: [Bytes]) {
    guard let index = index(of: id) else { return (Amount(), []) }
    let cursor = cursors.remove(at: index)
    // A sink that comes back goes on where it stood, as far as its records are still there.
    if cursor.whenFull != .bestEffort { disk?.positions[cursor.key] = cursor.position }
    let rest = cursor.pending
    var garbage: [Bytes] = []
    release(into: &garbage)
    return (rest, garbage)
  }

  mutating func advance(
    _ id: Int, past sequence: UInt64
  ) -> (settled: Amount, garbage: [Bytes], warning: JournalWarning.Change?) {
    precondition(sequence <= durable, "a cursor moves over durable records only")
    // The thread of a sink that is gone may end its call late.
    guard let index = index(of: id) else { return (Amount(), [], nil) }
    let settled = cursors[index].settle(through: sequence, in: ring)
    cursors[index].advanced += settled
    if disk?.blockage == .full { disk?.isRung = true }
    var garbage: [Bytes] = []
    release(into: &garbage)
    return (settled, garbage, watchBytes())
  }

  mutating func setAlarm(_ alarm: Cursor.Alarm, of id: Int) -> Bool {
    guard let index = index(of: id) else { return false }
    let isReached = alarm.isReached(by: cursors[index].pending)
    cursors[index].alarm = isReached ? nil : alarm
    return isReached
  }

  func nextBatch(of id: Int, limits: Cursor.Limits, after read: UInt64) -> ReadPlan? {
    guard let index = index(of: id) else { return nil }
    let recordsMax = min(cursors[index].pending.records, limits.recordsMax)
    guard recordsMax > 0 else { return nil }
    var batch = ReadPlan()
    var (sequence, items, bytes) = (cursors[index].position, 0, 0)
    if read >= sequence { sequence = ring.after(read) }
    while sequence < ring.next, batch.entries.count < recordsMax {
      let header = ring.header(sequence)
      if cursors[index].wants(signal: header.signal, routes: header.routes) {
        items += header.itemCount
        bytes += header.cost - JournalSettings.recordOverheadBytes
        if !batch.entries.isEmpty, items > limits.itemsMax || bytes > limits.bytesMax { break }
        batch.entries.append(entry(sequence, header))
      }
      sequence = ring.after(sequence)
    }
    return batch.entries.isEmpty ? nil : batch
  }

  private func entry(_ sequence: UInt64, _ header: SlotHeader) -> ReadPlan.Entry {
    let payload = ring.payload(sequence)
    var place: LogReader.Place?
    if payload == nil, header.offset > 0, let segment = disk?.segment(of: sequence) {
      let count = Frame.bytes(
        payload: header.cost - JournalSettings.recordOverheadBytes, routes: routeBytes[Int(header.routes.number)].count)
      place = LogReader.Place(segment: segment.base, offset: Int(header.offset), count: count)
    }
    return ReadPlan.Entry(sequence: sequence, itemCount: header.itemCount, payload: payload, place: place)
  }

  /// A batch as far as it is in memory, and where the rest is.
  struct ReadPlan {
    struct Entry {
      let sequence: UInt64
      let itemCount: Int
      /// Nil when it has to be read from its file.
      let payload: Bytes?
      let place: LogReader.Place?
    }

    var entries: [Entry] = []
  }

  /// When the oldest record was appended that a sink has yet to settle.
  var oldestPending: Instant? {
    let positions = cursors.indices.filter { cursors[$0].pending.records > 0 }.map { cursors[$0].position }
    return positions.min().map { ring.header($0).appended }
  }

  func status(of id: Int) -> Cursor.Status {
    let known = index(of: id).map { cursors[$0] } ?? formerCursors.first { $0.id == id }
    guard let cursor = known else { return Cursor.Status(position: ring.next, pending: Amount(), oldest: nil) }
    return Cursor.Status(
      position: cursor.position, pending: cursor.pending,
      oldest: cursor.pending.records > 0 ? ring.header(cursor.position).appended : nil,
      recovered: cursor.recovered, routed: cursor.routed, advanced: cursor.advanced, dropped: cursor.dropped,
      damaged: cursor.damaged, overLimit: cursor.overLimit)
  }

  /// Nil for a cursor that was given up.
  func index(of id: Int) -> Int? {
    for index in cursors.indices where cursors[index].id == id { return index }
    precondition(hasKnownSinks, "a closed cursor is not used")
    return nil
  }
}
