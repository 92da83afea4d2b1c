// The bounds of a journal.

/// What limits a journal.
package struct JournalSettings: Sendable, Equatable {
  /// What one record costs beside its payload: a slot of at most 80 bytes in a ring that may be half empty, and the
  /// payload's heap block with its header and padding.
  package static let recordOverheadBytes = 256

  /// The most that all records together may cost, payloads and overheads.
  package var memoryBytesMax: Int

  package init(memoryBytesMax: Int = 64 << 20) { self.memoryBytesMax = memoryBytesMax }
}
