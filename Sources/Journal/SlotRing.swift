// What the journal knows of its records in memory, in sequence order.

internal import Bytes
internal import System

/// All that is known of a record without touching its payload; trivial to copy.
struct SlotHeader {
  let signal: UInt8
  let routes: RouteSet
  private let items: UInt32
  private let costBytes: UInt32
  /// Where its frame begins in its segment file; 0 when it is in memory only.
  let offset: UInt32
  /// What all records ever stored took of the bound, up to and including this one.
  let totalCharge: UInt64
  let appended: Instant

  var itemCount: Int { Int(items) }
  var cost: Int { Int(costBytes) }
  var amount: Amount { Amount(records: 1, items: itemCount, bytes: cost) }

  init(
    signal: UInt8, routes: RouteSet, itemCount: Int, cost: Int, offset: Int, totalCharge: UInt64, appended: Instant
  ) {
    self.signal = signal
    self.routes = routes
    items = UInt32(clamping: itemCount)
    costBytes = UInt32(clamping: cost)
    self.offset = UInt32(clamping: offset)
    self.totalCharge = totalCharge
    self.appended = appended
  }

  /// The largest payload: its cost fits into a slot.
  static let payloadBytesMax = 1 << 30
}

/// Records by sequence number, `first ..< next`: appended at the end, released from the front, read anywhere.
///
/// The newest ones have their payloads here, `firstHeld ..< next`. Sequence numbers may be missing after damage: a gap
/// takes no room, and `after` steps over it.
struct SlotRing {
  /// The lowest sequence number held; equal to `next` when the ring is empty.
  private(set) var first: UInt64 = 1
  /// The sequence number that the next record will get.
  private(set) var next: UInt64 = 1
  /// The lowest sequence number whose payload is in memory.
  private(set) var firstHeld: UInt64 = 1
  /// Bytes of the payloads in memory.
  private(set) var heldBytes = 0
  /// What all records ever stored, and all ever released, took of the bound.
  private var stored: UInt64 = 0
  private var released: UInt64 = 0

  /// The sequence numbers `start ..< end` are missing; in order, and records behind the last one may follow.
  private struct Gap {
    let start: UInt64
    let end: UInt64
    /// How many numbers are missing in this gap and in those before it.
    let total: UInt64
  }
  private var gaps: [Gap] = []

  // Two rings, so that a scan for the next record of a cursor touches no reference count, and a record whose payload is
  // on disk costs only its header. Both have room for a power of two.
  private var headers: [SlotHeader?] = Array(repeating: nil, count: SlotRing.roomMin)
  private var payloads: [Bytes?] = Array(repeating: nil, count: SlotRing.roomMin)

  private static let roomMin = 256

  var count: Int { Int(slot(next) - slot(first)) }
  private var heldCount: Int { Int(slot(next) - slot(firstHeld)) }
  /// What the held records take of the bound.
  var bytes: Int { Int(stored - released) }

  func header(_ sequence: UInt64) -> SlotHeader {
    guard let header = headers[place(sequence)] else { preconditionFailure("a record that is read is in the ring") }
    return header
  }

  /// The record's payload; nil when it is on disk only.
  func payload(_ sequence: UInt64) -> Bytes? {
    sequence < firstHeld ? nil : payloads[Int(truncatingIfNeeded: slot(sequence)) & (payloads.count - 1)]
  }

  /// The next sequence number in the ring behind `sequence`, or `next`.
  func after(_ sequence: UInt64) -> UInt64 {
    guard let gap = gap(atOrBefore: sequence + 1), gap.start == sequence + 1 else { return sequence + 1 }
    return gap.end
  }

  /// Whether there is a record of this number.
  func contains(_ sequence: UInt64) -> Bool {
    first <= sequence && sequence < next && sequence >= gap(atOrBefore: sequence)?.end ?? 0
  }

  /// What the records below `sequence` take of the bound together.
  func bytes(below sequence: UInt64) -> Int {
    guard sequence > first else { return 0 }
    if sequence >= next { return bytes }
    // The slot before that of `sequence`, which may lie in a gap.
    let place = Int(truncatingIfNeeded: slot(sequence) - 1) & (headers.count - 1)
    return Int((headers[place]?.totalCharge ?? released) - released)
  }

  /// Stores a record under the sequence number `next`.
  ///
  /// - Parameters:
  ///   - charge: what it takes of the bound.
  ///   - offset: where it is in its file; 0 when it is in memory only.
  mutating func append(_ record: JournalRecord, charge: Int, offset: Int, at now: Instant) {
    if heldCount == payloads.count { resizePayloads(to: payloads.count * 2) }
    payloads[Int(truncatingIfNeeded: slot(next)) & (payloads.count - 1)] = record.payload
    heldBytes += record.payload.count
    appendHeader(
      signal: record.signal, routes: record.routes, itemCount: record.itemCount, cost: record.cost, charge: charge,
      offset: offset, at: now)
  }

  /// Stores a record whose payload stays on disk, under the sequence number `next`. Nothing may be held in memory yet.
  mutating func appendOnDisk(
    signal: UInt8, routes: RouteSet, itemCount: Int, cost: Int, charge: Int, offset: Int, at time: Instant
  ) {
    precondition(firstHeld == next, "what is recovered comes before what is new")
    appendHeader(
      signal: signal, routes: routes, itemCount: itemCount, cost: cost, charge: charge, offset: offset, at: time)
    firstHeld = next
  }

  private mutating func appendHeader(
    signal: UInt8, routes: RouteSet, itemCount: Int, cost: Int, charge: Int, offset: Int, at time: Instant
  ) {
    if count == headers.count { resizeHeaders(to: headers.count * 2) }
    stored += UInt64(charge)
    headers[place(next)] = SlotHeader(
      signal: signal, routes: routes, itemCount: itemCount, cost: cost, offset: offset, totalCharge: stored,
      appended: time)
    next += 1
  }

  /// Leaves out the sequence numbers below `sequence` that have no record yet.
  mutating func skip(to sequence: UInt64) {
    guard sequence > next else { return }
    if first == next {
      gaps.removeAll()
      first = sequence
      firstHeld = sequence
    } else {
      gaps.append(Gap(start: next, end: sequence, total: (gaps.last?.total ?? 0) + sequence - next))
      if firstHeld == next { firstHeld = sequence }
    }
    next = sequence
  }

  /// Takes the payloads below `sequence` out of memory; the caller lets go of them outside the lock.
  mutating func evict(below sequence: UInt64, into garbage: inout [Bytes]) {
    while firstHeld < min(sequence, next) {
      if let payload = payloads[Int(truncatingIfNeeded: slot(firstHeld)) & (payloads.count - 1)].take() {
        heldBytes -= payload.count
        garbage.append(payload)
      }
      firstHeld = after(firstHeld)
    }
    if firstHeld == next, payloads.count > SlotRing.roomMin * 16 { resizePayloads(to: SlotRing.roomMin) }
  }

  /// Forgets the records below `sequence`; the caller lets go of the payloads outside the lock.
  mutating func release(below sequence: UInt64, into garbage: inout [Bytes]) {
    evict(below: sequence, into: &garbage)
    while first < min(sequence, next) {
      released = headers[place(first)]?.totalCharge ?? released
      headers[place(first)] = nil
      first = after(first)
    }
    guard first == next else { return }
    gaps.removeAll()
    // A burst's room is given back once it has drained.
    if headers.count > SlotRing.roomMin * 16 { resizeHeaders(to: SlotRing.roomMin) }
  }

  /// Sequence numbers without the gaps. In a gap, the slot of the record behind it.
  private func slot(_ sequence: UInt64) -> UInt64 {
    guard let gap = gap(atOrBefore: sequence) else { return sequence }
    return sequence >= gap.end ? sequence - gap.total : gap.end - gap.total
  }

  /// The last gap that begins at `sequence` or before it. There may be as many gaps as records: a binary search.
  private func gap(atOrBefore sequence: UInt64) -> Gap? {
    guard let last = gaps.last else { return nil }
    if sequence >= last.start { return last }
    var (low, high) = (0, gaps.count)
    while low < high {
      let middle = (low + high) / 2
      if gaps[middle].start <= sequence { low = middle + 1 } else { high = middle }
    }
    return low > 0 ? gaps[low - 1] : nil
  }

  // The room is a power of two, so the low bits of a slot are its place.
  private func place(_ sequence: UInt64) -> Int { Int(truncatingIfNeeded: slot(sequence)) & (headers.count - 1) }

  private mutating func resizeHeaders(to room: Int) {
    var larger = [SlotHeader?](repeating: nil, count: room)
    for slot in slot(first)..<slot(next) {
      larger[Int(truncatingIfNeeded: slot) & (room - 1)] = headers[Int(truncatingIfNeeded: slot) & (headers.count - 1)]
    }
    headers = larger
  }

  private mutating func resizePayloads(to room: Int) {
    var larger = [Bytes?](repeating: nil, count: room)
    for slot in slot(firstHeld)..<slot(next) {
      larger[Int(truncatingIfNeeded: slot) & (room - 1)] =
        payloads[Int(truncatingIfNeeded: slot) & (payloads.count - 1)]
    }
    payloads = larger
  }
}
