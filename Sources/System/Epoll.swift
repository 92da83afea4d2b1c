// Waits for many descriptors at once: epoll(7), level-triggered.

internal import CLinux
internal import Glibc

/// An epoll instance. Any thread may change what is watched; one thread waits.
package final class Epoll: Sendable {
  /// What to be told about a descriptor. Errors and hang-ups are always told.
  package struct Interest: OptionSet, Sendable {
    package let rawValue: UInt32
    package init(rawValue: UInt32) { self.rawValue = rawValue }

    /// Made of its bits: a set literal costs a thousand instructions, with every event.
    package init(reads: Bool, writes: Bool) {
      rawValue = (reads ? EPOLLIN.rawValue : 0) | (writes ? EPOLLOUT.rawValue : 0)
    }

    package static let read = Interest(rawValue: EPOLLIN.rawValue)
    package static let write = Interest(rawValue: EPOLLOUT.rawValue)
    /// Only one of the epoll instances that watch the descriptor is woken; cannot be changed by `modify`.
    package static let exclusive = Interest(rawValue: UInt32(EPOLLEXCLUSIVE.rawValue))
  }

  /// One ready descriptor.
  package struct Event: Sendable {
    /// What the descriptor was added with.
    package let token: UInt64
    private let flags: UInt32

    fileprivate init(token: UInt64, flags: UInt32) {
      self.token = token
      self.flags = flags
    }

    /// A read will not block: there are bytes, an end or an error.
    package var isReadable: Bool { flags & (EPOLLIN.rawValue | EPOLLHUP.rawValue | EPOLLERR.rawValue) != 0 }
    package var isWritable: Bool { flags & EPOLLOUT.rawValue != 0 }
    /// Both directions are closed, or the descriptor has failed.
    package var isDead: Bool { flags & (EPOLLHUP.rawValue | EPOLLERR.rawValue) != 0 }
  }

  /// The events of one wait, in storage that is used again.
  // `@safe`: the kernel's type could carry a pointer; only its 64 bits are used.
  @safe
  package struct Events: ~Copyable {
    fileprivate var storage: [epoll_event]
    /// How many descriptors were ready.
    package fileprivate(set) var count = 0

    /// Room for `capacity` events per wait; more stay in the kernel for the next one.
    package init(capacity: Int) {
      unsafe storage = Array(repeating: epoll_event(), count: capacity)
    }

    package subscript(index: Int) -> Event {
      precondition(index < count, "an event of the last wait")
      let event = unsafe storage[index]
      // Safe: the kernel returns the 64 bits that `add` and `modify` stored.
      return unsafe Event(token: event.data.u64, flags: event.events)
    }
  }

  private let descriptor: FileDescriptor

  package init() throws(SystemError) {
    let number = epoll_create1(Int32(EPOLL_CLOEXEC))
    if number < 0 { throw .last("cannot create an epoll instance") }
    descriptor = FileDescriptor(owning: number)
  }

  /// Watches `number`, whose events carry `token`.
  package func add(_ number: Int32, _ interest: Interest, token: UInt64) throws(SystemError) {
    try control(EPOLL_CTL_ADD, number, interest, token)
  }

  /// Changes what is watched about `number`.
  package func modify(_ number: Int32, _ interest: Interest, token: UInt64) throws(SystemError) {
    try control(EPOLL_CTL_MOD, number, interest, token)
  }

  /// Forgets `number`; nothing happens when it was not watched.
  package func remove(_ number: Int32) {
    epoll_ctl(descriptor.number, EPOLL_CTL_DEL, number, nil)
  }

  private func control(
    _ operation: Int32, _ number: Int32, _ interest: Interest, _ token: UInt64
  ) throws(SystemError) {
    var event = unsafe epoll_event()
    unsafe event.events = interest.rawValue
    unsafe event.data.u64 = token
    // Safe: the kernel copies the event during the call.
    if unsafe epoll_ctl(descriptor.number, operation, number, &event) != 0 {
      throw .last("cannot watch descriptor \(number)")
    }
  }

  /// Waits until a descriptor is ready or the time is over; returns with no events when a Unix signal interrupts.
  ///
  /// - Parameter milliseconds: 0 only looks; `nil` waits for ever.
  package func wait(_ events: inout Events, milliseconds: Int?) {
    let timeout = Int32(clamping: milliseconds ?? -1)
    // Safe: the kernel writes at most as many events as the storage has.
    let ready = unsafe events.storage.withUnsafeMutableBufferPointer { storage in
      unsafe epoll_wait(descriptor.number, storage.baseAddress!, Int32(storage.count), timeout)
    }
    events.count = max(0, Int(ready))
  }
}
