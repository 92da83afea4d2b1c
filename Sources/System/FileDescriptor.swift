// A descriptor of the kernel with one owner, closed when the owner goes.

internal import Glibc

/// An open file descriptor.
///
/// Owned by one value at a time; the last owner closes it. It never changes, so any thread may use a shared reference.
package struct FileDescriptor: ~Copyable, Sendable {
  /// The kernel's number for it.
  package let number: Int32

  /// Takes over `number`, which must be open and have no other owner.
  package init(owning number: Int32) {
    precondition(number >= 0, "a descriptor that is owned is open")
    self.number = number
  }

  /// Waits until the bytes of the file at `path` are on the disk.
  package borrowing func sync(path: String) throws(SystemError) {
    if fsync(number) != 0 { throw .last("cannot write \(path) to the disk") }
  }

  deinit {
    // close(2): the descriptor is gone on Linux even when an error is reported, so there is nothing to retry.
    _ = Glibc.close(number)
  }
}
