// The identity of a journal, to which sequence numbers and cursors belong.

/// A random id: new at each start when the journal is memory-only, kept with the files otherwise.
package struct JournalID: Hashable, Sendable {
  /// The id's 64 random bits.
  package let bits: UInt64

  package init(bits: UInt64) { self.bits = bits }

  package static func random() -> JournalID { JournalID(bits: .random(in: 1...UInt64.max)) }
}
