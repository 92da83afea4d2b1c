// What the log says when the door refuses.

internal import Logging
internal import OTLP
internal import System

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
    switch reason {
    case .tooLarge:
      logger.warning("refusing a request larger than the journal; raise its max_bytes", metadata: metadata)
    case .diskFull:
      logger.warning(
        "refusing telemetry, the disk is full; make room, or lower the journal's min_free_bytes", metadata: metadata)
    case .journalFull, .noPipeline, .shuttingDown:
      logger.warning(
        "refusing telemetry, the journal or a sink's sending_queue is full; a sink lags behind", metadata: metadata)
    }
  }
}
