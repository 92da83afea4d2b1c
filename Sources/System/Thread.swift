// A thread with an owner, who starts it and joins it.

internal import CLinux
internal import Glibc

/// A running thread. Whoever starts it must `join` it.
// `@unchecked Sendable`: the handle never changes, and `joined` guards the one join.
package final class Thread: @unchecked Sendable {
  private let handle: pthread_t
  private let joined = Lock(false)

  /// Starts `body` on a new thread.
  ///
  /// - Parameter name: shown by ps and gdb, cut to 15 bytes.
  /// - Throws: `SystemError` when the system has no thread left.
  package init(name: String, _ body: @escaping @Sendable () -> Void) throws(SystemError) {
    var thread = pthread_t()
    let start = unsafe Unmanaged.passRetained(ThreadStart(name: String(name.prefix(15)), body: body))
    // Safe: `run` takes over the retained start, and nobody else touches it.
    let failure = unsafe pthread_create(&thread, nil, run, start.toOpaque())
    if failure != 0 {
      unsafe start.release()
      throw SystemError(code: failure, doing: "cannot start the thread \(name)")
    }
    handle = thread
  }

  /// Holds the calling thread up.
  package static func sleep(for duration: Duration) {
    // Interrupted, it is shorter.
    poll(nil, 0, Int32(clamping: duration.milliseconds))
  }

  /// Waits for the thread to end. A second call returns at once.
  package func join() {
    let first = joined.withLock { joined in
      defer { joined = true }
      return !joined
    }
    if first { pthread_join(handle, nil) }
  }
}

/// What a new thread needs before it can run.
private final class ThreadStart {
  let name: String
  let body: @Sendable () -> Void

  init(name: String, body: @escaping @Sendable () -> Void) {
    self.name = name
    self.body = body
  }
}

// A function and not a closure: a closure literal may be taken for one of the main actor and trap.
private func run(_ argument: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
  // Safe: `Thread.init` passed a retained ThreadStart.
  let start = unsafe Unmanaged<ThreadStart>.fromOpaque(argument!).takeRetainedValue()
  unsafe pthread_setname_np(pthread_self(), start.name)
  start.body()
  return nil
}
