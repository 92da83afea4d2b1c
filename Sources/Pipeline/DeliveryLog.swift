// What a sink's worker tells the operator.

internal import Logging
internal import OTLP
internal import System

/// The log lines of one sink. Those that every batch could cause are paced.
final class DeliveryLog: Sendable {
  private let logger: Logger
  private let clock: any Clock
  private let paces = Lock(Paces())

  private struct Paces {
    var partial = LogPace()
    var dropping = LogPace()
    var behind = LogPace()
    /// By signal: the journal's count of items dropped for the sink, as far as it was logged.
    var behindItems: [Signal: Int] = [:]
  }

  init(sink: String, logger: Logger, clock: any Clock) {
    var logger = logger
    logger[metadataKey: "component"] = "\(sink)"
    self.logger = logger
    self.clock = clock
  }

  func retrying(_ signal: Signal, after delay: Duration, error: String) {
    let interval = "\(Double(delay.milliseconds) / 1000)s"
    logger.warning(
      "exporting failed, will retry",
      metadata: ["signal": "\(signal.name)", "error": "\(error)", "interval": "\(interval)"])
  }

  func dropping(_ signal: Signal, items: Int, error: String) {
    guard let held = paces.withLock({ $0.dropping.admit(at: clock.monotonic) }) else { return }
    logger.error(
      "exporting failed, dropping data",
      metadata: [
        "signal": "\(signal.name)", "error": "\(error)", "dropped_items": "\(items)", "suppressed": "\(held)",
      ])
  }

  func partialSuccess(_ signal: Signal, rejected: Int, message: String) {
    guard let held = paces.withLock({ $0.partial.admit(at: clock.monotonic) }) else { return }
    logger.warning(
      "the peer answered with a partial success",
      metadata: [
        "signal": "\(signal.name)", "error": "\(message)", "rejected_items": "\(rejected)", "suppressed": "\(held)",
      ])
  }

  /// Called often, with the journal's running total; says so when it has grown.
  func dropped(_ signal: Signal, behind total: Int) {
    guard total > 0 else { return }
    let new = paces.withLock { paces -> Int? in
      let new = total - paces.behindItems[signal, default: 0]
      guard new > 0, paces.behind.admit(at: clock.monotonic) != nil else { return nil }
      paces.behindItems[signal] = total
      return new
    }
    guard let new else { return }
    logger.error(
      "this sink lags behind more than the journal or its sending_queue may hold: dropping its oldest data",
      metadata: ["signal": "\(signal.name)", "dropped_items": "\(new)"])
  }

  func droppedAtShutdown(_ signal: Signal, items: Int) {
    logger.error(
      "stopping: dropping what could not be delivered in time",
      metadata: ["signal": "\(signal.name)", "dropped_items": "\(items)"])
  }
}
