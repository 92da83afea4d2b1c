// One signal of one sink: when to take a batch, when to send it, when to give it up.

package import Journal
package import OTLP
package import System

/// A lane's state machine; it does nothing itself, and knows the time only from its arguments.
///
/// ```
///            take                 delivered, dropped
///   idle ───────────> holding ──────────────────────────> idle
///                     │  ▲ due
///                     └──┘ retry
/// ```
package struct Lane: Sendable {
  /// What the lane wants to happen now.
  package enum Step: Sendable {
    /// Read a batch from the cursor and hand it over with `take`.
    case read
    case send(Batch)
    /// Nothing before this time, or before the alarm is reached.
    case rest(until: Instant?, alarm: Cursor.Alarm?)
    /// Nothing any more; only while stopping.
    case finished
  }

  /// What an attempt came to.
  package enum Verdict: Sendable, Equatable {
    case delivered(ExportRequest.Rejection?)
    case retry(after: Duration, error: String)
    /// The batch's items are dropped and counted under `reason`.
    case dropped(reason: String, error: String)
  }

  private struct Held: Sendable {
    let batch: Batch
    var backoff: Backoff
    var due: Instant
    /// When the first attempt began.
    var since: Instant?
  }

  private let settings: DeliverySettings
  private var held: Held?

  /// While stopping, back-off is cut short to this, since there is no later.
  private static let backoffWhileStopping = Duration.seconds(1)

  package init(settings: DeliverySettings) { self.settings = settings }

  /// What to do now.
  ///
  /// - Parameter stopBy: set while stopping: the time after which nothing is sent any more.
  package mutating func step(at now: Instant, backlog: Cursor.Status, stopBy: Instant?) -> Step {
    if let stopBy, now >= stopBy { return .finished }
    if let held, backlog.position <= held.batch.lastSequence { return step(with: held, at: now, stopBy: stopBy) }
    // The journal was full and dropped the batch, counted: sending it would make no room and no sense.
    held = nil
    guard let oldest = backlog.oldest else {
      return stopBy == nil ? .rest(until: nil, alarm: Cursor.Alarm(items: 0)) : .finished
    }
    guard let minimum = settings.batch.minimum, stopBy == nil else { return .read }
    let timeout = oldest + minimum.flushTimeout
    let isFull = backlog.pending.items >= minimum.items || backlog.pending.bytes >= minimum.bytes
    if isFull || timeout <= now { return .read }
    return .rest(until: timeout, alarm: Cursor.Alarm(items: minimum.items, bytes: minimum.bytes))
  }

  private func step(with held: Held, at now: Instant, stopBy: Instant?) -> Step {
    if held.due <= now { return .send(held.batch) }
    if let stopBy, held.due >= stopBy { return .finished }
    return .rest(until: held.due, alarm: nil)
  }

  /// The batch that `read` asked for; the next step sends it.
  package mutating func take(_ batch: Batch, at now: Instant) {
    held = Held(batch: batch, backoff: Backoff(settings.retry), due: now)
  }

  /// Stopping begins: what waits for its next attempt gets it at once.
  package mutating func hurry(at now: Instant) { held?.due = now }

  /// How the attempt went that began at `start` and is over `now`.
  ///
  /// - Parameter jitter: random in -1 ... 1.
  package mutating func ended(
    _ result: Result<ExportRequest.Rejection?, ExportError>, start: Instant, now: Instant, stopping: Bool,
    jitter: Double
  ) -> Verdict {
    switch result {
    case .success(let rejection):
      held = nil
      return .delivered(rejection)
    case .failure(.blocked(let error)):
      return failed(error, requested: .seconds(30), start: start, now: now, stopping: stopping, jitter: jitter)
    case .failure(.permanent(let reason)), .failure(.tooLarge(let reason)), .failure(.invalid(let reason)):
      held = nil
      return .dropped(reason: reason, error: "not retryable: \(reason)")
    case .failure(.retryable(let requested, let error)):
      return failed(error, requested: requested, start: start, now: now, stopping: stopping, jitter: jitter)
    }
  }

  private mutating func failed(
    _ error: String, requested: Duration?, start: Instant, now: Instant, stopping: Bool, jitter: Double
  ) -> Verdict {
    guard var held else { preconditionFailure("only a batch that is held is sent") }
    self.held = nil
    guard settings.retry.isEnabled else { return .dropped(reason: DropReason.retryDisabled, error: error) }
    var delay = held.backoff.next(requested: requested, jitter: jitter)
    if stopping { delay = max(Backoff.clamped(requested), min(delay, Lane.backoffWhileStopping)) }
    let since = held.since ?? start
    let isOver = settings.retry.maxElapsedTime > .zero && now.since(since) + delay > settings.retry.maxElapsedTime
    if isOver { return .dropped(reason: DropReason.retriesExhausted, error: "no more retries left: \(error)") }
    held.since = since
    held.due = now + delay
    self.held = held
    return .retry(after: delay, error: error)
  }
}
