// What the service manager hears while otlpd runs: that its event loops turn, and how its sinks are.

internal import Logging
internal import Reactor
internal import System

/// Pings the manager's watchdog and keeps the status line true, on a thread that exists under a service manager only.
///
/// A ping is sent after a round trip through every event loop, and through nothing else: a loop that is stuck ends the
/// pings, and a slow disk or sink, which no loop waits for, does not.
final class ServiceReport: Sendable {
  private let manager: ServiceManager
  private let reactor: Reactor
  private let logger: Logger
  /// What the sinks do, for people.
  private let sinks: @Sendable () -> String
  private let interval: Duration
  private let state = Lock(State())

  private struct State {
    var thread: Thread?
    var isStopping = false
    /// The status line starts with it.
    var listening = ""
  }

  /// How often the status line may change.
  private static let statusInterval = Duration.seconds(10)

  init(manager: ServiceManager, reactor: Reactor, logger: Logger, sinks: @escaping @Sendable () -> String) {
    self.manager = manager
    self.reactor = reactor
    self.logger = logger
    self.sinks = sinks
    // sd_watchdog_enabled(3) recommends half of the time; a third leaves room for a loop that is busy for a moment.
    interval = min(ServiceReport.statusInterval, manager.watchdogTime.map { $0 / 3 } ?? ServiceReport.statusInterval)
  }

  /// Says that otlpd is ready, and begins to ping.
  ///
  /// - Throws: `SystemError` when the system has no thread left.
  func start(addresses: [String]) throws(SystemError) {
    guard manager.isPresent else { return }
    let listening = "listening on \(addresses.joined(separator: ", "))"
    state.withLock { $0.listening = listening }
    manager.notify("READY=1\nSTATUS=\(status)")
    let thread = try Thread(name: "service") { [self] in run() }
    state.withLock { $0.thread = thread }
  }

  /// Says that otlpd stops, and ends the pings: the manager's time-out for stopping takes over.
  func stop() {
    let thread = state.withLock { state in
      state.isStopping = true
      return state.thread
    }
    state.wakeAll()
    manager.notify("STOPPING=1\nSTATUS=stopping: delivering what is pending")
    thread?.join()
  }

  private var status: String { "\(state.withLock { $0.listening }); \(sinks())" }

  private func run() {
    var said = status
    var isStuck = false
    while !isStopping(within: interval) {
      guard reactor.onEveryLoop(within: interval, { _ in }) else {
        if !isStuck { logger.critical("an event loop does not answer; its service manager is to restart otlpd") }
        isStuck = true
        continue
      }
      isStuck = false
      manager.notify("WATCHDOG=1")
      let now = status
      if now != said { manager.notify("STATUS=\(now)") }
      said = now
    }
  }

  /// Waits.
  private func isStopping(within time: Duration) -> Bool {
    state.wait(until: SystemClock().monotonic + time) { $0.isStopping ? true : nil } ?? false
  }
}
