// One sink's place in one signal of the journal.

package import Bytes
package import System

/// What happens to a lagging cursor when the journal is full, or when it has as much as its limit says.
package enum WhenFull: Sendable, Equatable {
  /// Appends are refused until it catches up.
  case refuse
  /// It is pushed forward over the oldest records, which are counted as dropped for its sink.
  case dropOldest
  /// As `.dropOldest`, and no other sink ever loses a record or an append to make room for it.
  case bestEffort
}

/// A reader of one signal's records for one sink, in sequence order.
///
/// `nextBatch` shows the records at the cursor's place without moving it; `advance` moves it when they are delivered or
/// given up. One thread at a time reads a cursor; the journal may push it forward at any moment.
package final class Cursor: Sendable {
  private let id: Int
  private let journal: Journal

  /// Made by `Journal.openCursor`.
  init(id: Int, journal: Journal) {
    self.id = id
    self.journal = journal
  }

  /// A reader waits until a journal holds this much for it.
  package struct Alarm: Sendable, Equatable {
    package let items: Int
    package let bytes: Int

    /// Reached with `items` or `bytes`, whatever comes first; zero items: with any record.
    package init(items: Int, bytes: Int = .max) {
      self.items = items
      self.bytes = bytes
    }

    func isReached(by pending: Amount) -> Bool {
      pending.records > 0 && (pending.items >= items || pending.bytes >= bytes)
    }
  }

  /// What one call may read.
  package struct Limits: Sendable, Equatable {
    package let itemsMax: Int
    /// Payload bytes.
    package let bytesMax: Int

    package init(itemsMax: Int, bytesMax: Int) {
      self.itemsMax = itemsMax
      self.bytesMax = bytesMax
    }
  }

  /// Records in sequence order, at least one. Their payloads stay valid whatever happens to the journal.
  package struct Batch: Sendable {
    package struct Entry: Sendable {
      package let sequence: UInt64
      package let payload: Bytes
      package let itemCount: Int
      /// Whether the payload comes from a file, perhaps of an earlier life: its checksum is right, and that is all.
      package let isReread: Bool
    }

    package internal(set) var entries: [Entry] = []
    package internal(set) var lastSequence: UInt64 = 0
  }

  /// A consistent look at a cursor.
  package struct Status: Sendable {
    /// The lowest sequence number that is neither delivered nor given up.
    package let position: UInt64
    /// What waits for the sink.
    package let pending: Amount
    /// When the oldest pending record was appended.
    package let oldest: Instant?
    /// What earlier lives accepted and left for this one; part of `routed`.
    package let recovered: Amount
    /// What was ever accepted for the sink: `routed = advanced + dropped + pending`, always.
    package let routed: Amount
    /// What `advance` and `close` moved over.
    package let advanced: Amount
    /// What the journal pushed the cursor over: for want of room, beyond its limit, and what was damaged.
    package let dropped: Amount
    /// The part of `dropped` that could not be read back.
    package let damaged: Amount
    /// The part of `dropped` that was more than the cursor's limit.
    package let overLimit: Amount

    package init(
      position: UInt64, pending: Amount, oldest: Instant?, recovered: Amount = Amount(), routed: Amount = Amount(),
      advanced: Amount = Amount(), dropped: Amount = Amount(), damaged: Amount = Amount(), overLimit: Amount = Amount()
    ) {
      self.position = position
      self.pending = pending
      self.oldest = oldest
      self.recovered = recovered
      self.routed = routed
      self.advanced = advanced
      self.dropped = dropped
      self.damaged = damaged
      self.overLimit = overLimit
    }
  }

  package var status: Status { journal.status(of: id) }

  /// The next durable records that fit into the limits, and always one if there is one; nil when there is none.
  package func nextBatch(limits: Limits) -> Batch? { journal.nextBatch(of: id, limits: limits) }

  /// Settles the records up to and including `sequence`, which must have been read.
  ///
  /// - Returns: what was still pending of them; less than was read when the journal pushed the cursor forward
  ///   meanwhile, which has then counted the rest as dropped.
  @discardableResult
  package func advance(past sequence: UInt64) -> Amount { journal.advance(id, past: sequence) }

  /// Asks for one wake-up as soon as the alarm is reached.
  ///
  /// - Returns: whether it is reached already; then no wake-up comes.
  package func setAlarm(_ alarm: Alarm) -> Bool { journal.setAlarm(alarm, of: id) }

  /// Ends the cursor; its records hold nothing back any more. The cursor must not be used afterwards.
  ///
  /// - Returns: what was still pending.
  @discardableResult
  package func close() -> Amount { journal.closeCursor(id) }
}
