// What the journal knows of one cursor.

internal import System

/// A cursor's place and counts; guarded by the journal's lock.
struct CursorState {
  let id: Int
  let sink: String
  let signal: UInt8
  var whenFull: WhenFull
  var limit: LagLimit?
  var wake: @Sendable () -> Void
  /// By route number: whether records of that route are for this cursor's sink.
  var wanted: [Bool] = []
  /// The lowest sequence number that is not settled: a record that the cursor wants, or the journal's next (J3).
  var position: UInt64 = 1
  /// The wanted records from `position` on.
  var pending = Amount()
  /// What waits for the journal's thread; kept for cursors with a limit only.
  var queued = Amount()
  /// What was there for it when it was opened, from earlier lives.
  var recovered = Amount()
  /// Everything that was ever for this cursor: `routed = advanced + dropped + pending` (J7).
  var routed = Amount()
  var advanced = Amount()
  var dropped = Amount()
  /// The part of `dropped` that could not be read back.
  var damaged = Amount()
  /// The part of `dropped` that was more than its limit.
  var overLimit = Amount()
  /// Call `wake` once when this much is pending.
  var alarm: Cursor.Alarm?

  init(
    id: Int, sink: String, signal: UInt8, whenFull: WhenFull, limit: LagLimit?, wake: @escaping @Sendable () -> Void
  ) {
    self.id = id
    self.sink = sink
    self.signal = signal
    self.whenFull = whenFull
    self.limit = limit
    self.wake = wake
  }

  func wants(signal: UInt8, routes: RouteSet) -> Bool { signal == self.signal && wanted[Int(routes.number)] }

  /// Settles every wanted record up to and including `sequence`, and moves to the next wanted one.
  ///
  /// Looks at every record once in the cursor's life, so the cost is constant per record appended.
  mutating func settle(through sequence: UInt64, in ring: borrowing SlotRing) -> Amount {
    var settled = Amount()
    while position <= sequence, pending.records > settled.records {
      let header = ring.header(position)
      if wants(signal: header.signal, routes: header.routes) { settled += header.amount }
      position = ring.after(position)
    }
    pending -= settled
    guard pending.records > 0 else {
      position = ring.next
      return settled
    }
    while true {
      let header = ring.header(position)
      if wants(signal: header.signal, routes: header.routes) { return settled }
      position = ring.after(position)
    }
  }

  /// Goes on counting where an earlier cursor of the same sink and signal ended.
  mutating func count(as former: CursorState) {
    recovered += former.recovered
    routed += former.routed
    advanced += former.advanced
    dropped += former.dropped
    damaged += former.damaged
    overLimit += former.overLimit
  }

  /// Whether to wake the reader now; asks once per alarm.
  mutating func takeAlarm() -> Bool {
    guard let alarm, alarm.isReached(by: pending) else { return false }
    self.alarm = nil
    return true
  }
}
