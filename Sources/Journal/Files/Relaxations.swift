// Rules of the journal that a test switches off, to prove that it would notice.

/// Nothing but tests passes anything but the empty set.
package struct Relaxations: OptionSet, Sendable {
  package let rawValue: Int

  package init(rawValue: Int) { self.rawValue = rawValue }

  /// Believe stored records without comparing checksums.
  package static let unchecked = Relaxations(rawValue: 1)
  /// Let sinks read what is written and not yet durable.
  package static let readAhead = Relaxations(rawValue: 2)
  /// Remove segments before the cursors that are past them are durable.
  package static let removeFirst = Relaxations(rawValue: 4)
  /// Acknowledge what is for a new sink before its cursor is durable.
  package static let lazyCursors = Relaxations(rawValue: 8)
}
