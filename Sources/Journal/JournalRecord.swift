// What goes into a journal, and what an append comes to.

package import Bytes

/// One accepted request as the journal sees it: opaque bytes, a count, and where they go.
package struct JournalRecord: Sendable {
  package let payload: Bytes
  /// A small number that means nothing to the journal; a cursor reads one of them.
  package let signal: UInt8
  /// Items in the payload, for counting.
  package let itemCount: Int
  /// The sinks that get the record.
  package let routes: RouteSet

  package init(payload: Bytes, signal: UInt8, itemCount: Int, routes: RouteSet) {
    self.payload = payload
    self.signal = signal
    self.itemCount = itemCount
    self.routes = routes
  }

  /// What the record takes from the journal's bound.
  var cost: Int { payload.count + JournalSettings.recordOverheadBytes }
  var amount: Amount { Amount(records: 1, items: itemCount, bytes: cost) }
}

/// A set of sinks, by their durable ids; belongs to the journal that made it (`Journal.routes(to:)`).
///
/// Costs four bytes per record and one look-up per cursor.
package struct RouteSet: Hashable, Sendable {
  /// Where the journal keeps the names.
  let number: Int32
}

/// What became of a group of records.
package enum AppendOutcome: Sendable, Equatable {
  /// As safe as the journal's durability promises, and on its way to every sink of its routes.
  case accepted
  /// Nothing of the group was taken.
  case refused(Refusal)

  package enum Refusal: String, Sendable, CaseIterable {
    /// No room until a lagging sink catches up; later it may fit.
    case full
    /// A sink has as much waiting as its limit says; later it may fit.
    case queueFull = "queue_full"
    /// The disk is full, or about to be; later there may be room.
    case noSpace = "no_space"
    /// Larger than the whole journal; it can never fit.
    case tooLarge = "too_large"
    /// The journal takes nothing any more.
    case closed
    /// The disk failed: the process is about to end, and nobody knows what is stored of the group.
    case failed
  }
}
