// A lock on a file that says which process owns a directory, and that no crash leaves behind.

internal import CLinux
internal import Glibc

/// Held until the value goes, or the process ends in whatever way (flock(2)).
package final class FileLock: Sendable {
  private let descriptor: FileDescriptor

  package enum Failure: Error, Sendable {
    /// Another process holds it; its id as it wrote it, when that can be read.
    case held(by: Int?)
    case failed(SystemError)
  }

  /// Takes the lock, making the file when it is not there, and writes the process id into it.
  package init(path: String) throws(Failure) {
    let number = unsafe open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600 as mode_t)
    if number < 0 { throw .failed(.last("cannot open \(path)")) }
    descriptor = FileDescriptor(owning: number)
    while flock(number, LOCK_EX | LOCK_NB) != 0 {
      if errno == EINTR { continue }
      if errno == EWOULDBLOCK { throw .held(by: FileLock.owner(number)) }
      throw .failed(.last("cannot lock \(path)"))
    }
    // Only people read it, so a full disk is no reason to fail.
    let text = Array("\(getpid())\n".utf8)
    _ = ftruncate(number, 0)
    _ = unsafe pwrite(number, text, text.count, 0)
  }

  private static func owner(_ number: Int32) -> Int? {
    var bytes = [UInt8](repeating: 0, count: 32)
    // Safe: at most `bytes.count` bytes are written into it.
    let count = unsafe pread(number, &bytes, bytes.count, 0)
    let text = String(decoding: bytes.prefix(max(0, count)), as: UTF8.self)
    return text.split(separator: "\n").first.flatMap { Int($0) }
  }
}
