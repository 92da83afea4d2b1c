// The end of what would never end: a hang is a failure, not a wait.

internal import Foundation
internal import System

/// Ends the process when one input takes for ever.
final class Watchdog: Sendable {
  /// How long one input may take on a busy machine; it takes microseconds on a quiet one.
  static let patience = Duration.seconds(60)

  private struct State {
    var input = ""
    var since = SystemClock().monotonic
    var isStopped = false
  }

  private let state: Lock<State>
  private let thread: System.Thread

  init() throws {
    let state = Lock(State())
    self.state = state
    thread = try System.Thread(name: "watchdog") { Watchdog.watch(state) }
  }

  private static func watch(_ state: Lock<State>) {
    var deadline = SystemClock().monotonic + patience
    while true {
      let isStopped = state.wait(until: deadline) { $0.isStopped ? true : nil }
      if isStopped == true { return }
      let (input, since) = state.withLock { ($0.input, $0.since) }
      deadline = since + patience
      if SystemClock().monotonic >= deadline {
        StandardStream.error.write("fuzz: no end after \(patience): \(input)\n")
        exit(1)
      }
    }
  }

  /// Another input begins.
  func feed(_ input: String) {
    state.withLock {
      $0.input = input
      $0.since = SystemClock().monotonic
    }
  }

  func stop() {
    state.withLock { $0.isStopped = true }
    state.wakeAll()
    thread.join()
  }
}
