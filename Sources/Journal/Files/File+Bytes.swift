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
}
