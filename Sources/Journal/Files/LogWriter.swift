// Appends batches to segment files: written, synced, and only then acknowledged.

// # Rules
// W1  At most one batch is not yet durable, so that everything behind a torn place was never acknowledged.
// W2  A batch that could not be written is cut off again, so that no record ever follows a torn one.
// W3  After a failed sync nothing is written or synced any more: the kernel may have forgotten what it could not write,
//     and a second sync would say that all is well.
// W4  A new file is in its directory, durably, before anything in it is acknowledged.

internal import Bytes
internal import System

/// The end of the log; the journal's thread owns it.
struct LogWriter {
  private let files: any FileSystem
  private let settings: JournalSettings
  private let coder: FrameCoder
  private let id: JournalID
  private var active: Active?
  /// One more than the last sequence number that is in a file.
  private var expected: UInt64

  private struct Active {
    let file: any File
    let base: UInt64
    var offset: Int
    var reserved: Int
  }

  /// Blocks are reserved in such steps, so that a sync seldom has to record new ones.
  private static let reserveStep = 8 << 20

  init(files: any FileSystem, settings: JournalSettings, coder: FrameCoder, id: JournalID, expected: UInt64) {
    self.files = files
    self.settings = settings
    self.coder = coder
    self.id = id
    self.expected = expected
  }

  /// The first sequence number of the file that is being written.
  var activeBase: UInt64? { active?.base }

  /// Where a batch is now.
  struct Placement {
    let segment: UInt64
    /// By record of the batch: where its frame begins; 0 when it is not written.
    let offsets: [Int]
  }

  /// Writes the batch and makes it as durable as the settings say.
  ///
  /// - Parameter synced: told how long the sync took.
  mutating func write(
    _ batch: WriteBatch, wall: UInt64, clock: any Clock, synced: (Duration) -> Void
  ) throws(LogFailure) -> Placement? {
    guard let firstWritten = batch.firstWritten else { return nil }
    if let active, active.offset >= settings.segmentBytes { seal(active) }
    var buffer = ByteBuffer(capacity: batch.bytes + SegmentHeader.bytes)
    let isNew = active == nil
    if isNew {
      SegmentHeader(id: id, base: firstWritten, createdUnixNano: wall).append(to: &buffer)
    }
    let start = active?.offset ?? 0
    var (offsets, next): ([Int], UInt64) = ([], expected)
    for record in batch.records {
      offsets.append(record.isWritten ? start + buffer.count : 0)
      guard record.isWritten else { continue }
      let header = FrameCoder.Header(
        signal: record.record.signal, groupGoesOn: record.groupGoesOn, sequence: record.sequence,
        skipped: UInt32(clamping: record.sequence - next), itemCount: record.record.itemCount,
        acceptedUnixNano: wall)
      coder.append(header, routes: record.routes, payload: record.record.payload, to: &buffer)
      next = record.sequence + 1
    }
    var active = if let active { active } else { try create(base: firstWritten) }
    try put(buffer.span, in: &active)
    if settings.durability == .disk { try sync(active, isNew: isNew, clock: clock, synced) }
    self.active = active
    expected = next
    return Placement(segment: active.base, offsets: offsets)
  }

  /// Ends the file that is being written; the next batch begins another.
  mutating func seal() {
    if let active { seal(active) }
  }

  private mutating func seal(_ active: Active) {
    // Gives back what was reserved; nobody minds when it fails.
    if active.reserved > active.offset { try? active.file.truncate(to: active.offset) }
    self.active = nil
  }

  private func create(base: UInt64) throws(LogFailure) -> Active {
    do {
      return Active(file: try files.create(JournalFormat.segmentName(base)), base: base, offset: 0, reserved: 0)
    } catch {
      throw LogFailure(error)
    }
  }

  private func put(_ bytes: Span<UInt8>, in active: inout Active) throws(LogFailure) {
    let end = active.offset + bytes.count
    if end > active.reserved {
      let target = min(end + LogWriter.reserveStep, max(end, settings.segmentBytes))
      // Only saves time: without room, the write will say so.
      if (try? active.file.reserve(upTo: target)) != nil { active.reserved = target }
    }
    do {
      try active.file.write(bytes, at: active.offset)
      active.offset = end
    } catch {
      guard error.isOutOfSpace else { throw .fatal(error) }
      // W2
      do {
        if active.offset == 0 {
          try files.remove(JournalFormat.segmentName(active.base))
        } else {
          try active.file.truncate(to: active.offset)
        }
      } catch { throw .fatal(error) }
      throw .outOfSpace(error)
    }
  }

  private func sync(
    _ active: Active, isNew: Bool, clock: any Clock, _ synced: (Duration) -> Void
  ) throws(LogFailure) {
    let start = clock.monotonic
    do {
      try active.file.sync()
      // W4
      if isNew { try files.syncDirectory() }
    } catch {
      // W3: whatever the reason, also when it is a lack of room.
      throw .fatal(error)
    }
    synced(clock.monotonic.since(start))
  }
}
