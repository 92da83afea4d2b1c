// The thread that deletes the store's old files, also while nothing arrives.

internal import System
internal import TelemetryStore

/// Asks the store once a minute to keep its bounds.
final class RetentionThread: Sendable {
  private static let interval = Duration.seconds(60)

  private struct State {
    var isStopping = false
    var thread: Thread?
  }

  private let store: TelemetryStore
  private let state = Lock(State())

  init(_ store: TelemetryStore) { self.store = store }

  func start() throws(SystemError) {
    let thread = try Thread(name: "retention") { [self] in
      repeat { store.retain() } while !isStopping(after: RetentionThread.interval)
    }
    state.withLock { $0.thread = thread }
  }

  /// Waits for a deletion that runs.
  func stop() {
    let thread = state.withLock { state in
      state.isStopping = true
      defer { state.thread = nil }
      return state.thread
    }
    state.wakeAll()
    thread?.join()
  }

  private func isStopping(after time: Duration) -> Bool {
    state.wait(until: SystemClock().monotonic + time) { $0.isStopping ? true : nil } ?? false
  }
}
