// How other threads reach a loop: work in a list, and at most one wake-up per burst.

internal import System

/// The way to one event loop, for any thread.
///
/// A post costs one short lock. Only the first post to a sleeping loop writes to its eventfd: the loop says under the
/// lock that it goes to sleep, so a post either finds it awake, and will be read, or wakes it.
package final class Mailbox: Sendable {
  /// Work for the loop's thread.
  package typealias Work = @Sendable (EventLoop) -> Void

  private struct State {
    var work: [Work] = []
    var isAsleep = false
    var isClosed = false
  }

  private let state = Lock(State())
  let wakeUp: EventFD

  init(wakeUp: EventFD) { self.wakeUp = wakeUp }

  /// Runs `work` on the loop's thread, in the order of posting; never inside this call. Nothing happens when the loop
  /// has ended.
  ///
  /// - Returns: whether the loop will run it.
  @discardableResult
  package func post(_ work: @escaping Work) -> Bool {
    let (isOpen, mustWake) = state.withLock { state in
      guard !state.isClosed else { return (false, false) }
      state.work.append(work)
      defer { state.isAsleep = false }
      return (true, state.isAsleep)
    }
    if mustWake { wakeUp.signal() }
    return isOpen
  }

  /// Whether the loop may sleep: nothing is waiting. The next post wakes it.
  func prepareToSleep() -> Bool {
    state.withLock { state in
      state.isAsleep = state.work.isEmpty
      return state.isAsleep
    }
  }

  /// The loop has woken and will look at what is posted before it sleeps again: nobody need wake it. Without this, its
  /// own handlers' posts would.
  func wokeUp() { state.withLock { $0.isAsleep = false } }

  /// Swaps what is waiting for the empty `batch`, so that both lists keep their storage.
  func take(_ batch: inout [Work]) {
    state.withLock { state in swap(&state.work, &batch) }
  }

  /// Refuses all further posts and forgets those that were not run.
  func close() {
    let forgotten = state.withLock { state in
      state.isClosed = true
      defer { state.work = [] }
      return state.work
    }
    // Released outside the lock: what it held may post again.
    _ = forgotten
  }
}
