// Writing to standard output and standard error.

internal import Glibc

package enum StandardStream: Int32, Sendable {
  case output = 1
  case error = 2

  /// Writes the whole text, retrying interrupted and short writes.
  ///
  /// Blocks as long as the reader does. A closed reader is no error: there is nobody left to tell.
  package func write(_ text: String) {
    var text = text
    text.withUTF8 { bytes in
      var rest = UnsafeRawBufferPointer(bytes)
      while unsafe !rest.isEmpty {
        // Safe: the slice stays inside the string's own buffer during the call.
        let written = unsafe Glibc.write(rawValue, rest.baseAddress, rest.count)
        if written < 0, errno == EINTR { continue }
        guard written > 0 else { return }
        unsafe rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(written))
      }
    }
  }

  /// Device and inode of what the stream is connected to, as systemd writes them into `$JOURNAL_STREAM`: `9:12345`.
  package var identity: String? {
    var status = Glibc.stat()
    // Safe: the call fills in one record.
    guard unsafe fstat(rawValue, &status) == 0 else { return nil }
    return "\(status.st_dev):\(status.st_ino)"
  }
}
