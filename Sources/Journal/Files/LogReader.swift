// Reads records back from segment files, for sinks that lag behind what is in memory.

internal import Bytes
internal import System

/// Reads on the thread of a sink; keeps the last file open, since a lagging sink reads one after the other.
struct LogReader {
  /// Where a record's frame is.
  struct Place {
    /// The first sequence number of the file.
    let segment: UInt64
    let offset: Int
    let count: Int
  }

  private let files: any FileSystem
  private let coder: FrameCoder
  private var open: (segment: UInt64, file: any File)?

  init(files: any FileSystem, coder: FrameCoder) {
    self.files = files
    self.coder = coder
  }

  /// The record's payload; nil when the file is gone or its bytes are damaged.
  ///
  /// - Throws: `SystemError` when the file cannot be opened now, which says nothing about the record.
  mutating func payload(of entry: JournalState.ReadPlan.Entry) throws(SystemError) -> Bytes? {
    guard let place = entry.place, let bytes = try bytes(at: place), let frame = coder.frame(at: 0, in: bytes.span),
      frame.sequence == entry.sequence
    else { return nil }
    return bytes.slice(frame.payloadStart..<frame.payloadStart + frame.payloadCount)
  }

  private mutating func bytes(at place: Place) throws(SystemError) -> Bytes? {
    if open?.segment != place.segment {
      open = nil
      do throws(SystemError) {
        open = (place.segment, try files.open(JournalFormat.segmentName(place.segment)))
      } catch {
        if error.isMissing || error.isCorruption { return nil }
        throw error
      }
    }
    return try? open?.file.bytes(at: place.offset, count: place.count)
  }
}
