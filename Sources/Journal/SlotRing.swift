// The records that a memory journal holds, in sequence order.

internal import Bytes
internal import System

/// All that is known of a record without touching its payload; trivial to copy.
struct SlotHeader {
  let signal: UInt8
  let routes: RouteSet
  let itemCount: Int
  let cost: Int
  /// The cost of all records ever stored, up to and including this one.
  let totalCost: UInt64
  let appended: Instant

  var amount: Amount { Amount(records: 1, items: itemCount, bytes: cost) }
}

/// Records by sequence number, `first ..< next`: appended at the end, released from the front, read anywhere.
struct SlotRing {
  /// The lowest sequence number held; equal to `next` when the ring is empty.
  private(set) var first: UInt64 = 1
  /// The sequence number that the next record will get.
  private(set) var next: UInt64 = 1
  /// The cost of all records ever stored, and of all ever released.
  private var stored: UInt64 = 0
  private var released: UInt64 = 0

  // Two arrays, so that a scan for the next record of a cursor touches no reference count. Both have room for the same
  // power of two.
  private var headers: [SlotHeader?] = Array(repeating: nil, count: SlotRing.roomMin)
  private var payloads: [Bytes?] = Array(repeating: nil, count: SlotRing.roomMin)

  private static let roomMin = 256

  var count: Int { Int(next - first) }
  /// What the held records cost together.
  var bytes: Int { Int(stored - released) }

  func header(_ sequence: UInt64) -> SlotHeader {
    guard let header = headers[place(sequence)] else { preconditionFailure("a record that is read is in the ring") }
    return header
  }

  func payload(_ sequence: UInt64) -> Bytes {
    guard let payload = payloads[place(sequence)] else { preconditionFailure("a record that is read is in the ring") }
    return payload
  }

  /// What the records below `sequence` cost together.
  func bytes(below sequence: UInt64) -> Int {
    guard sequence > first else { return 0 }
    return Int(header(sequence - 1).totalCost - released)
  }

  /// Stores a record under the sequence number `next`.
  mutating func append(_ record: JournalRecord, at now: Instant) {
    if count == headers.count { resize(to: headers.count * 2) }
    stored += UInt64(record.cost)
    headers[place(next)] = SlotHeader(
      signal: record.signal, routes: record.routes, itemCount: record.itemCount, cost: record.cost,
      totalCost: stored, appended: now)
    payloads[place(next)] = record.payload
    next += 1
  }

  /// Takes the records below `sequence` out; the caller lets go of the payloads outside the lock.
  mutating func release(below sequence: UInt64, into garbage: inout [Bytes]) {
    while first < sequence {
      let place = place(first)
      released += UInt64(headers[place]?.cost ?? 0)
      if let payload = payloads[place].take() { garbage.append(payload) }
      first += 1
    }
    // A burst's room is given back once it has drained.
    if first == next, headers.count > SlotRing.roomMin * 16 { resize(to: SlotRing.roomMin) }
  }

  // The room is a power of two, so the low bits of a sequence number are its place.
  private func place(_ sequence: UInt64) -> Int { Int(truncatingIfNeeded: sequence) & (headers.count - 1) }

  private mutating func resize(to room: Int) {
    var newHeaders = [SlotHeader?](repeating: nil, count: room)
    var newPayloads = [Bytes?](repeating: nil, count: room)
    for sequence in first..<next {
      let target = Int(truncatingIfNeeded: sequence) & (room - 1)
      newHeaders[target] = headers[place(sequence)]
      newPayloads[target] = payloads[place(sequence)]
    }
    headers = newHeaders
    payloads = newPayloads
  }
}
