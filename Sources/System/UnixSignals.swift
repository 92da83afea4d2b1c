// The Unix signals that tell a daemon to stop or reload, received by one thread that waits for them.

internal import Glibc

/// A request from the administrator.
package enum UnixSignal: Int32, Sendable, CaseIterable {
  case terminate = 15  // SIGTERM
  case interrupt = 2  // SIGINT
  case hangUp = 1  // SIGHUP

  /// The name as kill(1) prints it.
  package var name: String {
    switch self {
    case .terminate: "SIGTERM"
    case .interrupt: "SIGINT"
    case .hangUp: "SIGHUP"
    }
  }
}

/// Routes Unix signals to whoever calls `next`.
package enum UnixSignals {
  /// Blocks the signals of `UnixSignal` in the calling thread and in all that it starts later, and ignores those that
  /// would kill a daemon for what a peer or a full disk did: SIGPIPE and SIGXFSZ.
  ///
  /// Call it on the main thread before any other thread starts.
  package static func take() {
    var set = waited()
    unsafe pthread_sigmask(SIG_BLOCK, &set, nil)
    signal(SIGPIPE, SIG_IGN)
    signal(SIGXFSZ, SIG_IGN)
  }

  /// Blocks until one of the signals arrives.
  ///
  /// - Parameter limit: how long to wait; nil for ever.
  /// - Returns: nil when the time is over, or somewhat earlier.
  package static func next(within limit: Duration? = nil) -> UnixSignal? {
    var set = waited()
    guard let limit else {
      var number: Int32 = 0
      // sigwait fails only for an invalid set, which this one is not.
      return unsafe sigwait(&set, &number) == 0 ? UnixSignal(rawValue: number) : nil
    }
    let nanoseconds = limit.nanoseconds
    var time = timespec(tv_sec: Int(nanoseconds / 1_000_000_000), tv_nsec: Int(nanoseconds % 1_000_000_000))
    return UnixSignal(rawValue: unsafe sigtimedwait(&set, nil, &time))
  }

  /// Forgets the signals that arrived and that `next` has not returned.
  package static func discard() {
    var set = waited()
    var time = timespec()
    while unsafe sigtimedwait(&set, nil, &time) > 0 {}
  }

  /// Gives the signals back their default effect, which is to end the process. Call it on the main thread.
  package static func release() {
    var set = waited()
    unsafe pthread_sigmask(SIG_UNBLOCK, &set, nil)
  }

  private static func waited() -> sigset_t {
    var set = sigset_t()
    unsafe sigemptyset(&set)
    for signal in UnixSignal.allCases { unsafe sigaddset(&set, signal.rawValue) }
    return set
  }
}
