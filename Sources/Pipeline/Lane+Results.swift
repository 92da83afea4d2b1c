// One signal of one sink: what an attempt's result means for what comes next.

internal import Journal
package import OTLP
package import System

extension Lane {
  /// What an attempt came to.
  package enum Verdict: Sendable, Equatable {
    case delivered(rejectedItems: Int, message: String?)
    case retry(after: Duration, error: String)
    /// The peer takes nothing of this signal for now.
    case paused(error: String)
    /// The batch goes on in smaller ones.
    case divided(error: String)
    /// Items are dropped under `reason`.
    case dropped(items: Int, reason: String, error: String)
    /// The journal dropped the batch meanwhile, and has counted it.
    case overtaken
  }

  /// While stopping, back-off is cut short to this, since there is no later.
  private static let backoffWhileStopping = Duration.seconds(1)
  /// How often a paused lane looks whether the peer takes something again.
  package static let probeInterval = Duration.seconds(30)
  /// A peer that found a batch too large gets no smaller ones than this, but for that batch: the size of a request is
  /// no reason to make thousands of it.
  package static let learnedBytesMin = 64 << 10
  /// After so many refused records in a row, refused parts of 8 items are dropped whole; after as many of those, parts
  /// of 64, and so on, until the peer takes something. A peer that refuses everything gets some seventy requests for a
  /// batch of 8192 items; in a run of bad records, the good ones that are lost stand close to it.
  package static let refusalsPerGrain = 8

  /// How the attempt went that began at `start` and is over `now`.
  ///
  /// - Parameter jitter: random in -1 ... 1.
  package mutating func ended(
    _ sent: Sending, _ result: Result<ExportRequest.Rejection?, ExportError>, start: Instant, now: Instant,
    stopping: Bool, jitter: Double
  ) -> Verdict {
    sending -= 1
    noteHealth(result, at: now)
    guard let load = loads.firstIndex(where: { $0.parts.contains { $0.id == sent.id } }),
      let index = loads[load].parts.firstIndex(where: { $0.id == sent.id })
    else { return .overtaken }
    var part = loads[load].parts[index]
    part.isSending = false
    part.since = part.since ?? start
    switch result {
    case .success(let rejection):
      let rejected = min(max(rejection?.itemCount ?? 0, 0), part.batch.itemCount)
      loads[load].refusals = 0
      loads[load].remove(index, dropping: rejected, DropReason.rejected)
      return .delivered(rejectedItems: rejected, message: rejection?.message)
    case .failure(.retryable(let requested, let error)):
      let verdict = retry(&part, requested, error, now: now, stopping: stopping, jitter: jitter)
      guard case .retry = verdict else { return drop(index, of: load, verdict) }
      loads[load].parts[index] = part
      return verdict
    case .failure(.blocked(let error)):
      part.due = now
      loads[load].parts[index] = part
      return .paused(error: error)
    case .failure(.tooLarge(let error)):
      let half = part.batch.byteCount / 2
      let pieces = settings.mayReshape ? part.batch.divided(bytesMax: half) : []
      guard pieces.count > 1 else { return drop(index, of: load, part, DropReason.tooLarge, error) }
      bytesMax = min(bytesMax, max(half, Lane.learnedBytesMin))
      replace(index, of: load, with: pieces, since: part.since, at: now)
      return .divided(error: error)
    case .failure(.invalid(let error)):
      loads[load].isBisected = true
      let items = part.batch.itemCount
      let isWorthIt = settings.mayReshape && items > loads[load].grain
      let pieces = isWorthIt ? part.batch.divided(itemsMax: (items + 1) / 2) : []
      guard pieces.count > 1 else {
        loads[load].refusals += 1
        return drop(index, of: load, part, DropReason.invalid, error)
      }
      replace(index, of: load, with: pieces, since: part.since, at: now)
      return .divided(error: error)
    case .failure(.permanent(let reason)):
      return drop(index, of: load, part, reason, "not retryable: \(reason)")
    }
  }

  /// The loads whose items are all delivered or dropped, as far as the cursor may move.
  package mutating func takeSettled() -> [Load.Settlement] {
    let settled = loads.prefix { $0.parts.isEmpty }
    loads.removeFirst(settled.count)
    return settled.map { Load.Settlement(lastSequence: $0.lastSequence, drops: $0.drops) }
  }

  /// Keeps what the result says of the peer rather than of the batch.
  private mutating func noteHealth(_ result: Result<ExportRequest.Rejection?, ExportError>, at now: Instant) {
    pause = nil
    switch result {
    case .success: trouble = nil
    case .failure(.blocked(let error)):
      trouble = error
      pause = Pause(reason: error, until: now + Lane.probeInterval)
    case .failure(.retryable(let requested, let error)):
      trouble = error
      // OTLP "Throttling": the client waits before the next request, whichever it is.
      if let requested { quietUntil = max(quietUntil, now + Backoff.clamped(requested)) }
    case .failure(.tooLarge(let error)), .failure(.invalid(let error)), .failure(.permanent(let error)): trouble = error
    }
  }

  private func retry(
    _ part: inout Load.Part, _ requested: Duration?, _ error: String, now: Instant, stopping: Bool, jitter: Double
  ) -> Verdict {
    let items = part.batch.itemCount
    guard settings.retry.isEnabled else {
      return .dropped(items: items, reason: DropReason.retryDisabled, error: error)
    }
    var delay = part.backoff.next(requested: requested, jitter: jitter)
    if stopping { delay = max(Backoff.clamped(requested), min(delay, Lane.backoffWhileStopping)) }
    let elapsed = now.since(part.since ?? now) + delay
    if settings.retry.maxElapsedTime > .zero, elapsed > settings.retry.maxElapsedTime {
      return .dropped(items: items, reason: DropReason.retriesExhausted, error: "no more retries left: \(error)")
    }
    part.due = now + delay
    return .retry(after: delay, error: error)
  }

  private mutating func drop(
    _ index: Int, of load: Int, _ part: Load.Part, _ reason: String, _ error: String
  ) -> Verdict {
    drop(index, of: load, .dropped(items: part.batch.itemCount, reason: reason, error: error))
  }

  private mutating func drop(_ index: Int, of load: Int, _ verdict: Verdict) -> Verdict {
    if case .dropped(let items, let reason, _) = verdict { loads[load].remove(index, dropping: items, reason) }
    return verdict
  }

  private mutating func replace(
    _ index: Int, of load: Int, with pieces: [Batch], since: Instant?, at now: Instant
  ) {
    let parts = pieces.map { part($0, at: now, since: since) }
    loads[load].parts.replaceSubrange(index...index, with: parts)
  }
}

extension Load {
  /// Items in a part that is not worth looking closer at when it is refused.
  fileprivate var grain: Int { 1 << (3 * min(refusals / Lane.refusalsPerGrain, 10)) }

  /// The part needs nothing more.
  fileprivate mutating func remove(_ index: Int, dropping items: Int, _ reason: String) {
    parts.remove(at: index)
    if items > 0 { drops[reason, default: 0] += items }
  }
}
