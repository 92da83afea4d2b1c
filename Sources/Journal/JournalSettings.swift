// The bounds of a journal, and how much an acknowledgement promises.

/// What an acknowledgement survives.
package enum Durability: String, Sendable, CaseIterable {
  /// The loss of power: it waits for the disk.
  case disk
  /// The end of the process: it waits for the kernel.
  case os
  /// Nothing: the journal is memory.
  case memory
}

/// What limits a journal.
package struct JournalSettings: Sendable, Equatable {
  /// What one record costs beside its payload: a slot of at most 80 bytes in a ring that may be half empty, and the
  /// payload's heap block with its header and padding.
  package static let recordOverheadBytes = 256

  /// The most that all records of a memory journal together may cost, payloads and overheads; of a journal on disk,
  /// what the newest may take in memory.
  package var memoryBytesMax: Int
  package var durability: Durability
  /// The journal's own directory; nobody else may write there. Not used with `.memory`.
  package var directory: String
  /// The most that all records on disk may cost, payloads and overheads.
  package var diskBytesMax: Int
  /// What is left free on the file system; nil: the smaller of 512 MiB and 5 % of it.
  package var freeBytesMin: Int?
  /// When a file is this large, the next one begins; a batch of up to 8 MiB may come on top.
  package var segmentBytes: Int
  /// How long an append waits for room before it is refused. A memory journal does not wait.
  package var patience: Duration

  package init(memoryBytesMax: Int = 64 << 20) {
    self.init(durability: .memory, directory: "", memoryBytesMax: memoryBytesMax)
  }

  /// - Parameter segmentBytes: nil: a sixteenth of `diskBytesMax`, between 1 and 64 MiB.
  package init(
    durability: Durability, directory: String, memoryBytesMax: Int = 32 << 20, diskBytesMax: Int = 1 << 30,
    freeBytesMin: Int? = nil, segmentBytes: Int? = nil, patience: Duration = .seconds(2)
  ) {
    self.durability = durability
    self.directory = directory
    self.memoryBytesMax = memoryBytesMax
    self.diskBytesMax = diskBytesMax
    self.freeBytesMin = freeBytesMin
    self.segmentBytes = segmentBytes ?? min(max(diskBytesMax / 16, 1 << 20), 64 << 20)
    self.patience = patience
  }

  /// The most that all records together may cost.
  package var bytesMax: Int { durability == .memory ? memoryBytesMax : diskBytesMax }

  /// What a record takes of `diskBytesMax`; never less than of the disk.
  static func charge(payload: Int, routes: Int) -> Int {
    max(payload + recordOverheadBytes, Frame.bytes(payload: payload, routes: routes))
  }
}
