// What an operator should know before the door has to refuse.

/// Raised at 80 % of a bound, and taken back below 70 %.
package enum JournalWarning: String, Sendable, CaseIterable {
  /// Of the bytes that the journal may hold.
  case nearlyFull = "nearly_full"
  /// Of the free bytes on the disk, so many have to stay free.
  case lowSpace = "low_space"

  /// A warning that was raised or taken back just now.
  package struct Change: Sendable, Equatable {
    package let warning: JournalWarning
    package let isRaised: Bool
    /// What is held, or what is free on the disk.
    package let bytes: Int
    /// What may be held, or what stays free.
    package let limit: Int
    /// The sink for which the most waits; nil when nothing waits for any.
    package let slowest: String?
  }
}

/// Notices once that a level got high, and once that it is low again.
struct Watermark {
  private(set) var isHigh = false

  /// - Returns: whether `isHigh` has changed.
  mutating func update(_ level: Int, of bound: Int) -> Bool {
    let wasHigh = isHigh
    isHigh = level > 0 && level >= bound / 10 * (wasHigh ? 7 : 8)
    return isHigh != wasHigh
  }
}

extension JournalState {
  mutating func watchBytes() -> JournalWarning.Change? {
    guard fullness.update(ring.bytes, of: capacity) else { return nil }
    return JournalWarning.Change(
      warning: .nearlyFull, isRaised: fullness.isHigh, bytes: ring.bytes, limit: capacity, slowest: slowest)
  }

  mutating func watchSpace(free: Int, staysFree: Int) -> JournalWarning.Change? {
    guard shortage.update(staysFree, of: max(free, 0)) else { return nil }
    return JournalWarning.Change(
      warning: .lowSpace, isRaised: shortage.isHigh, bytes: free, limit: staysFree, slowest: slowest)
  }

  var warnings: [JournalWarning] {
    (fullness.isHigh ? [.nearlyFull] : []) + (shortage.isHigh ? [.lowSpace] : [])
  }

  private var slowest: String? {
    cursors.filter { $0.pending.bytes > 0 }.max { $0.pending.bytes < $1.pending.bytes }?.sink
  }
}
