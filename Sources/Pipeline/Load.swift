// What one read of the journal came to, until all of it is delivered or given up.

package import Journal
internal import System

/// Records that are settled together, in one part as a rule: more when they are over a limit, when the peer found them
/// too large, or when it refused some record among them.
package struct Load: Sendable {
  /// A batch on its way, with what is known of its attempts.
  struct Part: Sendable {
    let id: Int
    let batch: Batch
    var backoff: Backoff
    /// Not sent before.
    var due: Instant
    /// When the first attempt began.
    var since: Instant?
    var isSending = false
  }

  package let lastSequence: UInt64
  /// What the journal has pending for it.
  package let amount: Amount
  /// The batches to send; none when the records are damaged.
  let batches: [Batch]
  /// Items that the sink will not get, by reason.
  var drops: [String: Int]
  /// Neither delivered nor given up.
  var parts: [Part] = []
  /// A record of it was refused: its parts are sent one at a time, smaller and smaller ones, to find which.
  var isBisected = false
  /// Parts dropped because the peer refused them, since it last took one.
  var refusals = 0

  /// - Parameter batches: one, or the pieces of one.
  package init(_ batches: [Batch], lastSequence: UInt64, amount: Amount) {
    self.batches = batches
    self.lastSequence = lastSequence
    self.amount = amount
    drops = [:]
  }

  /// A record that was read, and is no request.
  package init(damaged amount: Amount, lastSequence: UInt64) {
    batches = []
    self.lastSequence = lastSequence
    self.amount = amount
    drops = [DropReason.damaged: amount.items]
  }

  /// All of a load is delivered or dropped: the cursor may move.
  package struct Settlement: Sendable, Equatable {
    package let lastSequence: UInt64
    /// Items that were not delivered, by reason.
    package let drops: [String: Int]

    package init(lastSequence: UInt64, drops: [String: Int]) {
      self.lastSequence = lastSequence
      self.drops = drops
    }
  }

  /// Whether a part may be sent beside those that are being sent.
  var takesTurn: Bool { !isBisected || !parts.contains(where: \.isSending) }
}
