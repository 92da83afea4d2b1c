// Reading files whole or in part.

internal import Bytes
internal import System

extension File {
  /// The `count` bytes at `offset`, or fewer at the end of the file.
  func bytes(at offset: Int, count: Int) throws(SystemError) -> Bytes {
    guard count > 0 else { return Bytes() }
    var buffer = ByteBuffer(capacity: count)
    try buffer.appendTail(minimum: count, maximum: count) { (output) throws(SystemError) in
      try self.read(at: offset, into: &output)
    }
    return buffer.finish()
  }

  /// The file's first `count` bytes, or fewer at its end, with zeros where the medium does not give them back.
  ///
  /// So an unreadable place costs the records in it, and not those around it.
  func salvagedBytes(count: Int) throws(SystemError) -> Bytes {
    do throws(SystemError) { return try bytes(at: 0, count: count) } catch {
      guard error.isMediumFailure else { throw error }
    }
    var buffer = ByteBuffer(capacity: count)
    var failuresLeft = salvageFailuresMax
    while buffer.count < count {
      let step = min(salvageStep, count - buffer.count)
      let piece = failuresLeft > 0 ? try? bytes(at: buffer.count, count: step) : nil
      if let piece, piece.count < step { return buffer.finish() }
      if piece == nil { failuresLeft -= 1 }
      buffer.append(piece ?? Bytes([UInt8](repeating: 0, count: step)))
    }
    return buffer.finish()
  }
}

/// What is read at once around an unreadable place: a page, which no kernel reads in parts.
private let salvageStep = 4096
/// A failing read may take seconds: after so many, what follows in the file counts as unreadable.
private let salvageFailuresMax = 256
