// The thread that checks passwords against slow hashes, so that no event loop has to.

internal import Credentials
internal import System

/// Checks one password after the other. Safe from any thread.
final class PasswordThread: Sendable {
  private struct Job {
    let password: String
    let hash: PasswordHash
    let done: @Sendable (Bool) -> Void
  }

  private struct State {
    var jobs: [Job] = []
    var isStopping = false
    var thread: Thread?
  }

  /// At 50 ms for a check, the last one waits three seconds.
  private static let jobsMax = 64

  private let state = Lock(State())

  func start() throws(SystemError) {
    let thread = try Thread(name: "passwords") { [self] in run() }
    state.withLock { $0.thread = thread }
  }

  /// - Parameter finishing: whether the passwords that wait are checked before.
  func stop(finishing: Bool) {
    let thread = state.withLock { state in
      state.isStopping = true
      if !finishing { state.jobs = [] }
      return state.thread.take()
    }
    state.wakeAll()
    thread?.join()
  }

  /// Calls `done` on the thread, with whether the password is the hash's.
  ///
  /// - Returns: false when too many wait already; `done` is not called then.
  func check(_ password: String, _ hash: PasswordHash, _ done: @escaping @Sendable (Bool) -> Void) -> Bool {
    let isTaken = state.withLock { state in
      guard state.jobs.count < Self.jobsMax, !state.isStopping else { return false }
      state.jobs.append(Job(password: password, hash: hash, done: done))
      return true
    }
    if isTaken { state.wakeAll() }
    return isTaken
  }

  private func run() {
    while let job = nextJob() { job.done(job.hash.matches(job.password)) }
  }

  /// Waits for the next job; nil when it is time to stop.
  private func nextJob() -> Job? {
    // The outer nil is "wait", the inner one "stop".
    let next: Job?? = state.wait(until: nil) { state in
      if state.jobs.isEmpty { return state.isStopping ? .some(nil) : nil }
      return .some(state.jobs.removeFirst())
    }
    return next ?? nil
  }
}
