// Which deadline passes next: a heap with lazy removal.

package import System

/// Deadlines of things that have a token, earliest first.
///
/// Moving a deadline later is the common case and must cost nothing, so the queue never removes: its owner remembers
/// the earliest entry it has queued, queues another only for an earlier deadline, and looks again when one comes up.
package struct DeadlineQueue {
  private struct Entry {
    let deadline: Instant
    let token: UInt64
  }

  /// A binary heap: no entry is later than its children, at `2 * index + 1` and `2 * index + 2`.
  private var entries: [Entry] = []

  package init() {}

  /// The earliest deadline queued.
  package var next: Instant? { entries.first?.deadline }
  package var count: Int { entries.count }

  /// Queues a deadline. Costs O(log count).
  package mutating func push(_ deadline: Instant, token: UInt64) {
    entries.append(Entry(deadline: deadline, token: token))
    var index = entries.count - 1
    while index > 0 {
      let parent = (index - 1) / 2
      if entries[parent].deadline <= entries[index].deadline { return }
      entries.swapAt(parent, index)
      index = parent
    }
  }

  /// Forgets the entries that `isForgotten` names. Costs O(count).
  package mutating func removeAll(where isForgotten: (_ deadline: Instant, _ token: UInt64) -> Bool) {
    entries.removeAll { isForgotten($0.deadline, $0.token) }
    // A sorted array is a heap.
    entries.sort { $0.deadline < $1.deadline }
  }

  /// Takes the earliest entry when its deadline is not after `now`.
  package mutating func popDue(at now: Instant) -> (deadline: Instant, token: UInt64)? {
    guard let first = entries.first, first.deadline <= now else { return nil }
    entries.swapAt(0, entries.count - 1)
    entries.removeLast()
    var index = 0
    while 2 * index + 1 < entries.count {
      var child = 2 * index + 1
      if child + 1 < entries.count && entries[child + 1].deadline < entries[child].deadline { child += 1 }
      if entries[index].deadline <= entries[child].deadline { break }
      entries.swapAt(index, child)
      index = child
    }
    return (first.deadline, first.token)
  }
}
