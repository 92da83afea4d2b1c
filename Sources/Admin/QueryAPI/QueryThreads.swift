// The threads that read the store for the query API, so that no reactor thread waits for a disk.

package import System

/// A few threads and a bounded queue of what they shall do.
package final class QueryThreads: Sendable {
  package static let threads = 2
  /// Queries that wait; more are refused.
  package static let waitingMax = 32

  private struct State {
    var waiting: [@Sendable () -> Void] = []
    var isStopping = false
    var threads: [Thread] = []
  }

  private enum Next {
    case job(@Sendable () -> Void)
    case end
  }

  private let state = Lock(State())

  package init() {}

  package func start() throws(SystemError) {
    for _ in 0..<QueryThreads.threads {
      let thread = try Thread(name: "query") { [self] in
        while case .job(let job) = next() { job() }
      }
      state.withLock { $0.threads.append(thread) }
    }
  }

  /// - Returns: false when too many wait already, or the threads are stopping.
  package func run(_ job: @escaping @Sendable () -> Void) -> Bool {
    let isTaken = state.withLock { state in
      if state.isStopping || state.waiting.count >= QueryThreads.waitingMax { return false }
      state.waiting.append(job)
      return true
    }
    if isTaken { state.wakeAll() }
    return isTaken
  }

  /// Waits for the queries that run; those that wait are dropped.
  package func stop() {
    let threads = state.withLock { state in
      state.isStopping = true
      state.waiting = []
      defer { state.threads = [] }
      return state.threads
    }
    state.wakeAll()
    for thread in threads { thread.join() }
  }

  private func next() -> Next {
    state.wait(until: nil) { state in
      if state.isStopping { return .end }
      return state.waiting.isEmpty ? nil : .job(state.waiting.removeFirst())
    } ?? .end
  }
}
