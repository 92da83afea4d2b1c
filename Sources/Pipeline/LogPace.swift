// Keeps a message that every request could cause from filling the log.

internal import Logging
internal import OTLP
package import System

/// Lets one message through per interval, and says how many it held back before.
package struct LogPace: Sendable {
  private let interval: Duration
  private var quietUntil: Instant?
  private var held = 0

  package init(interval: Duration = .seconds(10)) { self.interval = interval }

  /// The number of messages held back since the last one let through, or nil if this one is held back too.
  package mutating func admit(at now: Instant) -> Int? {
    if let quietUntil, now < quietUntil {
      held += 1
      return nil
    }
    quietUntil = now + interval
    defer { held = 0 }
    return held
  }
}

/// Tells the operator what the clients are told: the door refuses.
final class RefusalLog: Sendable {
  private let logger: Logger
  private let clock: any Clock
  private let pace = Lock(LogPace())

  init(logger: Logger, clock: any Clock) {
    self.logger = logger
    self.clock = clock
  }

  func note(_ reason: RefusalReason, _ entrance: Entrance.ID) {
    // While stopping, refusals are no news.
    guard reason != .shuttingDown, let held = pace.withLock({ $0.admit(at: clock.monotonic) }) else { return }
    let metadata: Logger.Metadata = [
      "receiver": "\(entrance.receiver)", "signal": "\(entrance.signal.name)", "suppressed": "\(held)",
    ]
    if reason == .tooLarge {
      logger.warning("refusing a request larger than the journal; raise its max_bytes", metadata: metadata)
    } else {
      logger.warning("refusing telemetry, the journal is full; a sink lags behind", metadata: metadata)
    }
  }
}
