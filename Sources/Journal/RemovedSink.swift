// What waits for sinks that the configuration does not have any more.

internal import Bytes
internal import System

/// One signal of a sink that has no cursor in this life, and what earlier lives left for it.
package struct RemovedSink: Sendable, Equatable {
  package let sink: String
  package let signal: UInt8
  package let pending: Amount
}

extension Journal {
  /// Gives up what waits for durable sinks without a cursor, for the caller to count.
  ///
  /// A daemon calls it once, between opening the cursors of all its sinks and `start`. Such a sink held nothing back
  /// before, either; when it comes back, it begins with what is routed to it from then on.
  /// - Returns: those for which something waited, by name.
  package func giveUpRemovedSinks() -> [RemovedSink] { state.withLock { $0.giveUpRemovedSinks() } }

  /// Gives up the cursors of sinks that a new configuration does not have, for the caller to count. Nothing may be
  /// appended for them any more. What the cursors have counted stays readable, and counts on when the sink comes back.
  ///
  /// - Parameter isKept: whether the new configuration has the sink, and the signal for it.
  /// - Returns: those for which something waited, by name.
  package func giveUpCursors(except isKept: (_ sink: String, _ signal: UInt8) -> Bool) -> [RemovedSink] {
    let (removed, _) = state.withLock { $0.giveUpCursors(except: isKept) }
    return removed
  }

  /// Waits until what was appended before this call is accepted or refused: then it is with every cursor that wants it.
  ///
  /// - Returns: whether it was in time; false when the disk does not answer.
  @discardableResult
  package func settleAppended(within limit: Duration) -> Bool {
    guard let log else { return true }
    let isSettled = Lock(false)
    log.afterQueue {
      isSettled.withLock { $0 = true }
      isSettled.wakeAll()
    }
    return isSettled.wait(until: SystemClock().monotonic + limit) { $0 ? true : nil } ?? false
  }
}

extension JournalState {
  mutating func giveUpRemovedSinks() -> [RemovedSink] {
    let open = Set(cursors.filter { $0.whenFull != .bestEffort }.map(\.key))
    // D1: every durable sink that was ever promised something has a position.
    let keys = (disk?.positions ?? [:]).keys.filter { !open.contains($0) }
    let removed = keys.sorted { ($0.sink, $0.signal) < ($1.sink, $1.signal) }.map { key in
      RemovedSink(sink: key.sink, signal: key.signal, pending: pending(of: key))
    }
    for key in keys { disk?.positions[key] = ring.next }
    hasKnownSinks = true
    let waiting = removed.filter { $0.pending.records > 0 }
    for sink in waiting {
      var cursor = CursorState(
        id: 0, sink: sink.sink, signal: sink.signal, whenFull: .refuse, limit: nil, wake: {})
      (cursor.recovered, cursor.routed, cursor.advanced) = (sink.pending, sink.pending, sink.pending)
      formerCursors.append(cursor)
    }
    return waiting
  }

  mutating func giveUpCursors(
    except isKept: (_ sink: String, _ signal: UInt8) -> Bool
  ) -> (removed: [RemovedSink], garbage: [Bytes]) {
    var removed: [RemovedSink] = []
    for index in cursors.indices.reversed() where !isKept(cursors[index].sink, cursors[index].signal) {
      var cursor = cursors.remove(at: index)
      removed.append(RemovedSink(sink: cursor.sink, signal: cursor.signal, pending: cursor.pending))
      if cursor.whenFull != .bestEffort { disk?.positions[cursor.key] = ring.next }
      cursor.advanced += cursor.pending
      cursor.pending = Amount()
      cursor.position = ring.next
      formerCursors.append(cursor)
    }
    var garbage: [Bytes] = []
    release(into: &garbage)
    removed.sort { ($0.sink, $0.signal) < ($1.sink, $1.signal) }
    return (removed.filter { $0.pending.records > 0 }, garbage)
  }

  /// What is held for a sink that has no cursor.
  private func pending(of key: CursorsFile.Key) -> Amount {
    let isWanted = routeNames.map { $0.contains(key.sink) }
    var pending = Amount()
    let position = disk?.positions[key] ?? ring.first
    var sequence = ring.first
    while sequence < ring.next {
      let header = ring.header(sequence)
      if sequence >= position, header.signal == key.signal, isWanted[Int(header.routes.number)] {
        pending += header.amount
      }
      sequence = ring.after(sequence)
    }
    return pending
  }
}
