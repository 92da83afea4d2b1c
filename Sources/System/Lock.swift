// A mutual-exclusion lock around a value, and a condition to wait for it to change.

internal import Glibc

/// State that several threads share: whoever wants it goes through `withLock`.
///
/// A plain `pthread_mutex_t`: the standard library's mutex is a priority-inheritance futex, which collapses 40-fold
/// when more threads than cores contend. Mutate inside the closure; perform the actions it returns outside.
// `@unchecked Sendable`: `mutex` guards `state`.
@safe
@usableFromInline
package final class Lock<State>: @unchecked Sendable {
  private let mutex: UnsafeMutablePointer<pthread_mutex_t>
  private let changed: UnsafeMutablePointer<pthread_cond_t>
  // Behind a pointer, because a stored property costs a run-time exclusivity check in each call, and the lock is one.
  @usableFromInline let state: UnsafeMutablePointer<State>

  package init(_ state: State) {
    unsafe self.state = .allocate(capacity: 1)
    unsafe self.state.initialize(to: state)
    unsafe mutex = .allocate(capacity: 1)
    unsafe changed = .allocate(capacity: 1)
    unsafe pthread_mutex_init(mutex, nil)
    var attributes = pthread_condattr_t()
    unsafe pthread_condattr_init(&attributes)
    unsafe pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
    unsafe pthread_cond_init(changed, &attributes)
    unsafe pthread_condattr_destroy(&attributes)
  }

  deinit {
    unsafe pthread_cond_destroy(changed)
    unsafe pthread_mutex_destroy(mutex)
    unsafe state.deinitialize(count: 1)
    unsafe state.deallocate()
    unsafe changed.deallocate()
    unsafe mutex.deallocate()
  }

  /// Runs `body` alone with the state. Never call back into the same lock from inside.
  @inlinable
  package func withLock<Result, Failure: Error>(_ body: (inout State) throws(Failure) -> Result) throws(Failure)
    -> Result
  {
    lock()
    defer { unlock() }
    // Safe: `state` lives as long as `self`, and the mutex is held.
    return try unsafe body(&state.pointee)
  }

  // Safe: the mutex lives as long as `self`, and only this type locks it.
  @usableFromInline
  func lock() { unsafe pthread_mutex_lock(mutex) }

  @usableFromInline
  func unlock() { unsafe pthread_mutex_unlock(mutex) }

  /// Waits until `body` returns a value or the deadline passes; `body` runs under the lock, first at once and then
  /// after every `wakeAll`.
  ///
  /// - Parameter deadline: on the system's monotonic clock; `nil` waits for ever.
  package func wait<Result>(until deadline: Instant?, _ body: (inout State) -> Result?) -> Result? {
    lock()
    defer { unlock() }
    while true {
      if let result = unsafe body(&state.pointee) { return result }
      guard let deadline else {
        unsafe pthread_cond_wait(changed, mutex)
        continue
      }
      var time = timespec(
        tv_sec: Int(deadline.nanoseconds / 1_000_000_000), tv_nsec: Int(deadline.nanoseconds % 1_000_000_000))
      if unsafe pthread_cond_timedwait(changed, mutex, &time) == ETIMEDOUT { return unsafe body(&state.pointee) }
    }
  }

  /// Wakes every thread in `wait`, so that it looks at the state again. Call it after the change, outside `withLock`.
  package func wakeAll() {
    unsafe pthread_cond_broadcast(changed)
  }
}
