// A mutual-exclusion lock around a value, and a condition to wait for it to change.

internal import Glibc

/// State that several threads share: whoever wants it goes through `withLock`.
///
/// A plain `pthread_mutex_t`: the standard library's mutex is a priority-inheritance futex, which collapses 40-fold
/// when more threads than cores contend. Mutate inside the closure; perform the actions it returns outside.
// `@unchecked Sendable`: `mutex` guards `state`.
@safe
package final class Lock<State>: @unchecked Sendable {
  private let mutex: UnsafeMutablePointer<pthread_mutex_t>
  private let changed: UnsafeMutablePointer<pthread_cond_t>
  private var state: State

  package init(_ state: State) {
    self.state = state
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
    unsafe changed.deallocate()
    unsafe mutex.deallocate()
  }

  /// Runs `body` alone with the state. Never call back into the same lock from inside.
  package func withLock<Result, Failure: Error>(_ body: (inout State) throws(Failure) -> Result) throws(Failure)
    -> Result
  {
    // Safe: the mutex lives as long as `self`, and only this type locks it.
    unsafe pthread_mutex_lock(mutex)
    defer { unsafe pthread_mutex_unlock(mutex) }
    return try body(&state)
  }

  /// Waits until `body` returns a value or the deadline passes; `body` runs under the lock, first at once and then
  /// after every `wakeAll`.
  ///
  /// - Parameter deadline: on the system's monotonic clock; `nil` waits for ever.
  package func wait<Result>(until deadline: Instant?, _ body: (inout State) -> Result?) -> Result? {
    unsafe pthread_mutex_lock(mutex)
    defer { unsafe pthread_mutex_unlock(mutex) }
    while true {
      if let result = body(&state) { return result }
      guard let deadline else {
        unsafe pthread_cond_wait(changed, mutex)
        continue
      }
      var time = timespec(
        tv_sec: Int(deadline.nanoseconds / 1_000_000_000), tv_nsec: Int(deadline.nanoseconds % 1_000_000_000))
      if unsafe pthread_cond_timedwait(changed, mutex, &time) == ETIMEDOUT { return body(&state) }
    }
  }

  /// Wakes every thread in `wait`, so that it looks at the state again. Call it after the change, outside `withLock`.
  package func wakeAll() {
    unsafe pthread_cond_broadcast(changed)
  }
}
