// What waits for sinks that the configuration does not have any more.

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
    return removed.filter { $0.pending.records > 0 }
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
