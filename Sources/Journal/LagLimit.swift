// How much may wait for one sink and signal, whatever room the journal has.

/// What a cursor may lag behind at most. Over it, its `WhenFull` decides: appends for it are refused, or its oldest
/// records are dropped, counted.
package struct LagLimit: Sendable, Equatable {
  package enum Unit: Sendable, Equatable {
    case requests
    case items
    /// Of payloads.
    case bytes
  }

  package let size: Int
  package let unit: Unit

  /// - Parameter size: at least 1. One record always has room, however large it is.
  package init(_ size: Int, _ unit: Unit) {
    self.size = size
    self.unit = unit
  }

  func isExceeded(by amount: Amount) -> Bool {
    guard amount.records > 1 else { return false }
    return switch unit {
    case .requests: amount.records > size
    case .items: amount.items > size
    case .bytes: amount.bytes - amount.records * JournalSettings.recordOverheadBytes > size
    }
  }
}

extension JournalState {
  /// Whether a cursor that holds senders up would get more than its limit with these records.
  func exceedsLimit(_ records: [JournalRecord]) -> Bool {
    for index in cursors.indices where cursors[index].limit != nil && cursors[index].whenFull == .refuse {
      var total = cursors[index].pending
      total += cursors[index].queued
      let waiting = total.records
      for record in records where cursors[index].wants(signal: record.signal, routes: record.routes) {
        total += record.amount
      }
      if total.records > waiting, cursors[index].limit?.isExceeded(by: total) == true { return true }
    }
    return false
  }

  /// Drops the oldest records of a lossy cursor that has more than its limit.
  mutating func keepToLimit(_ index: Int) {
    guard let limit = cursors[index].limit, cursors[index].whenFull != .refuse else { return }
    while limit.isExceeded(by: cursors[index].pending) {
      let dropped = cursors[index].settle(through: cursors[index].position, in: ring)
      cursors[index].dropped += dropped
      cursors[index].overLimit += dropped
    }
  }
}
