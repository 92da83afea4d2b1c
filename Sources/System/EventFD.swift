// Wakes a thread that waits in epoll: eventfd(2).

internal import CLinux
internal import Glibc

/// A descriptor that becomes readable when another thread calls `signal`.
package final class EventFD: Sendable {
  private let descriptor: FileDescriptor

  package init() throws(SystemError) {
    let number = eventfd(0, Int32(EFD_CLOEXEC | EFD_NONBLOCK))
    if number < 0 { throw .last("cannot create an eventfd") }
    descriptor = FileDescriptor(owning: number)
  }

  /// The descriptor's number, to watch it.
  package var number: Int32 { descriptor.number }

  /// Makes the descriptor readable; many calls before one `reset` count as one.
  package func signal() {
    // It fails only when the counter is full, and then the descriptor is readable anyway.
    eventfd_write(descriptor.number, 1)
  }

  /// Makes the descriptor unreadable again.
  package func reset() {
    var value: eventfd_t = 0
    // Safe: the call writes one counter.
    unsafe eventfd_read(descriptor.number, &value)
  }
}
