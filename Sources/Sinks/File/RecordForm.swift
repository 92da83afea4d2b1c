// How records stand in a file, one behind the other.

internal import Bytes
package import System

/// What ends a record: the end of its line, or its length, which stands before it.
package enum RecordForm: Sendable {
  /// OTLP "File Exporter": one JSON object per line.
  case lines
  /// Four bytes of length, the highest first, and so many bytes: as the Collector's file exporter writes what is no
  /// plain JSON.
  case frames

  /// The longest record that a file is believed to have. JSON read as a length would be longer.
  private static let recordBytesMax = 1 << 30
  private static let stepBytes = 64 << 10

  /// Bytes of the whole records that the file begins with: less than its size when the last one is cut off.
  ///
  /// - Returns: nil for a file of something else, which is not ours to cut.
  func wholeBytes(of file: any File) throws(SystemError) -> Int? {
    let size = try file.size()
    if size == 0 { return 0 }
    return switch self {
    case .lines: try wholeLines(of: file, size)
    case .frames: try wholeFrames(of: file, size)
    }
  }

  private func wholeLines(of file: any File, _ size: Int) throws(SystemError) -> Int? {
    guard try file.bytes(at: 0, count: 1)[0] == UInt8(ascii: "{") else { return nil }
    var end = size
    while end > 0 {
      let step = min(RecordForm.stepBytes, end)
      let bytes = try file.bytes(at: end - step, count: step)
      guard bytes.count == step else { return nil }
      if let newline = (0..<step).last(where: { bytes[$0] == UInt8(ascii: "\n") }) { return end - step + newline + 1 }
      end -= step
    }
    return 0
  }

  private func wholeFrames(of file: any File, _ size: Int) throws(SystemError) -> Int? {
    var end = 0
    while end + 4 <= size {
      let head = try file.bytes(at: end, count: 4)
      guard head.count == 4 else { return nil }
      let count = (0..<4).reduce(0) { $0 << 8 | Int(head[$1]) }
      if count > RecordForm.recordBytesMax { return nil }
      if end + 4 + count > size { break }
      end += 4 + count
    }
    return end
  }
}

/// Why records cannot be written.
package enum RecordFileError: Error, Sendable, CustomStringConvertible {
  case system(SystemError)
  /// The file at this path has other content.
  case foreign(String)

  package var description: String {
    switch self {
    case .system(let error): error.description
    case .foreign(let path):
      "\(path) has something else in it than this exporter writes; move it away, or change the path"
    }
  }
}

extension File {
  /// The `count` bytes at `offset`, or fewer at the end of the file.
  fileprivate func bytes(at offset: Int, count: Int) throws(SystemError) -> Bytes {
    var buffer = ByteBuffer(capacity: count)
    try buffer.appendTail(minimum: count, maximum: count) { (output) throws(SystemError) in
      try self.read(at: offset, into: &output)
    }
    return buffer.finish()
  }
}
