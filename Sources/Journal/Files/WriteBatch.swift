// Groups of records on their way into the journal's files.

internal import Bytes
internal import System

/// A group that waits for the journal's thread.
struct QueuedGroup: Sendable {
  struct Entry: Sendable {
    let record: JournalRecord
    /// What it takes of the bound on disk; 0 when only best-effort sinks want it, so that it is not written.
    let charge: Int

    var isWritten: Bool { charge > 0 }
  }

  let entries: [Entry]
  /// Items of the group that no sink wants, to be counted when it is accepted.
  let unwantedItems: Int
  /// When it is refused if there is no room for it before.
  let deadline: Instant
  /// Nil when it was acknowledged already.
  let completion: (@Sendable (AppendOutcome) -> Void)?

  var charge: Int { entries.reduce(0) { $0 + $1.charge } }
  var bytes: Int { entries.reduce(0) { $0 + $1.record.cost } }
}

/// Groups that are written and synced together, with the numbers that their records will have.
struct WriteBatch: Sendable {
  struct Record: Sendable {
    let record: JournalRecord
    let charge: Int
    let sequence: UInt64
    /// The sinks as they are stored.
    let routes: Bytes
    /// Whether another written record of the same group follows.
    let groupGoesOn: Bool

    var isWritten: Bool { charge > 0 }
  }

  private(set) var groups: [QueuedGroup] = []
  private(set) var records: [Record] = []
  /// What it takes of the bound on disk.
  private(set) var charge = 0
  /// Payloads and overheads.
  private(set) var bytes = 0

  static let bytesMax = 8 << 20
  static let recordsMax = 1000

  var firstWritten: UInt64? { records.first { $0.isWritten }?.sequence }
  var isFull: Bool { bytes >= WriteBatch.bytesMax || records.count >= WriteBatch.recordsMax }

  mutating func append(_ group: QueuedGroup, first: UInt64, routes: (RouteSet) -> Bytes) {
    let lastWritten = group.entries.lastIndex { $0.isWritten }
    for (index, entry) in group.entries.enumerated() {
      records.append(
        Record(
          record: entry.record, charge: entry.charge, sequence: first + UInt64(records.count),
          routes: routes(entry.record.routes), groupGoesOn: index < (lastWritten ?? 0)))
    }
    groups.append(group)
    charge += group.charge
    bytes += group.bytes
  }
}
