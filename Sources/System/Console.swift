// Text for whoever reads standard output, if anybody does.

internal import Glibc

/// Writes text to a descriptor without waiting long for its reader.
///
/// A pipe whose reader has stopped reading must not stop the daemon: what is not taken in time is dropped. SIGPIPE has
/// to be ignored (`UnixSignals.take`).
package struct Console: Sendable {
  /// pipe(7): a pipe that poll(2) calls writable takes this much without blocking.
  private static let pieceBytes = 4096

  private let descriptor: Int32
  private let patience: Duration

  /// - Parameter patience: how long one `write` may wait for the reader.
  package init(descriptor: Int32 = StandardStream.output.rawValue, patience: Duration = .seconds(1)) {
    self.descriptor = descriptor
    self.patience = patience
  }

  /// Writes the text. Returns false when its rest was dropped: nobody reads, or not in time.
  @discardableResult
  package func write(_ text: String) -> Bool {
    let deadline = SystemClock().monotonic + patience
    var rest = Array(text.utf8)[...]
    while !rest.isEmpty {
      guard waitUntilWritable(deadline) else { return false }
      // Safe: the piece is read during the call only.
      let written = unsafe rest.prefix(Self.pieceBytes).withUnsafeBytes { piece in
        unsafe Glibc.write(descriptor, piece.baseAddress, piece.count)
      }
      if written < 0, errno == EINTR || errno == EAGAIN { continue }
      guard written > 0 else { return false }
      rest = rest.dropFirst(written)
    }
    return true
  }

  private func waitUntilWritable(_ deadline: Instant) -> Bool {
    var entry = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
    while true {
      let rest = deadline.since(SystemClock().monotonic).milliseconds
      let ready = unsafe poll(&entry, 1, Int32(clamping: rest))
      if ready < 0, errno == EINTR { continue }
      return ready > 0 && rest > 0
    }
  }
}

/// The end of a file that lines are added to; closed with its last user.
package final class AppendedFile: Sendable {
  private let descriptor: FileDescriptor

  /// Opens the file, and makes it when it is not there.
  package init(_ path: String) throws(SystemError) {
    // Readable for the group, as log files are.
    let number = unsafe open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0o640)
    guard number >= 0 else { throw .last("cannot write to \(path)") }
    descriptor = FileDescriptor(owning: number)
  }

  /// Adds the text at the end. Returns false when the disk did not take all of it.
  @discardableResult
  package func write(_ text: String) -> Bool { Console(descriptor: descriptor.number).write(text) }
}
