// Reads a segment file from end to end: records, damage between them, and a torn end.

internal import Bytes

/// Walks the frames of one file.
///
/// A damaged place is skipped by searching for the next frame that checks, so that one flipped bit costs one record.
struct SegmentScan {
  private let coder: FrameCoder
  private let base: UInt64
  /// The sequence number that the next frame has, with none missing.
  private(set) var expected: UInt64
  private(set) var offset = SegmentHeader.bytes
  /// What the search for the next frame may still read, so that a hostile payload cannot make it endless.
  private var searchBytesLeft = 1 << 30

  /// - Parameter expected: what follows the segment before; the segment's own base when there is none.
  init(coder: FrameCoder, base: UInt64, expected: UInt64) {
    self.coder = coder
    self.base = base
    self.expected = expected
  }

  enum Step {
    /// An undamaged record.
    /// - Parameter missing: sequence numbers before it that were written and are not there.
    case record(Frame, missing: UInt64)
    /// Bytes that are no record, with records behind them.
    case damage(Range<Int>)
    /// Bytes behind the last record, of which none checks.
    case rest(Range<Int>)
    case end
  }

  mutating func next(in bytes: Span<UInt8>) -> Step {
    if let frame = frame(at: offset, in: bytes) { return accept(frame) }
    guard offset < bytes.count else { return .end }
    let start = offset
    var candidate = start + Frame.alignment
    while candidate < bytes.count, searchBytesLeft > 0 {
      if bytes.count - candidate >= Frame.headerBytes,
        bytes.littleEndian(at: candidate, as: UInt32.self) == Frame.magic
      {
        let claimed = Int(bytes.littleEndian(at: candidate + 8, as: UInt32.self))
        searchBytesLeft -= min(claimed, bytes.count - candidate)
        if frame(at: candidate, in: bytes) != nil {
          offset = candidate
          return .damage(start..<candidate)
        }
      }
      candidate += Frame.alignment
    }
    offset = bytes.count
    return .rest(start..<bytes.count)
  }

  private func frame(at offset: Int, in bytes: Span<UInt8>) -> Frame? {
    guard let frame = coder.frame(at: offset, in: bytes) else { return nil }
    // A frame left over from before, or out of order, is no record.
    return frame.sequence >= expected && frame.sequence >= base ? frame : nil
  }

  private mutating func accept(_ frame: Frame) -> Step {
    let distance = frame.sequence - expected
    offset = frame.end
    expected = frame.sequence + 1
    return .record(frame, missing: distance > UInt64(frame.skipped) ? distance - UInt64(frame.skipped) : 0)
  }
}
