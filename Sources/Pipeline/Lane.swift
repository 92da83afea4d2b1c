// One signal of one sink: when to read, when to send, and when to wait.

package import Journal
internal import OTLP
package import System

/// A lane's state machine; it does nothing itself, and knows the time only from its arguments.
///
/// ```
///  journal ──read──> load ─── part ──send──> delivered, dropped ─┐
///                      │        ▲ │ due                          ├─> all parts done, in journal order: settled
///                      │        └─┘ retry                        │
///                      └───── part … (over a limit, too large, invalid)
/// ```
///
/// Several loads may be under way, so that a slow peer gets several requests at once; the cursor follows the lowest.
package struct Lane: Sendable {
  /// What the lane wants to happen now.
  package enum Step: Sendable {
    /// Read behind what is under way, and hand the result over with `take`.
    case read(Reading)
    /// Send it, and hand the result over with `ended`.
    case send(Sending)
    /// Nothing before this time, or before the alarm is reached, or before something under way ends.
    case rest(until: Instant?, alarm: Cursor.Alarm?)
    /// Nothing any more; only while stopping.
    case finished
  }

  package struct Reading: Sendable, Equatable {
    package let limits: Cursor.Limits
    /// What is under way up to here.
    package let after: UInt64
  }

  package struct Sending: Sendable {
    let id: Int
    package let batch: Batch
  }

  /// Why a lane sends nothing for a while.
  struct Pause: Sendable {
    let reason: String
    let until: Instant
    /// One batch is sent to see whether the reason is gone.
    var isProbing = false
  }

  let settings: DeliverySettings
  /// In journal order.
  var loads: [Load] = []
  var partsMade = 0
  /// Calls of the sink that are running.
  var sending = 0
  /// Payload bytes in one batch: the setting, or less when the peer takes less.
  var bytesMax: Int
  var pause: Pause?
  /// The peer's Retry-After, which holds for the whole signal.
  var quietUntil = Instant(nanoseconds: 0)
  /// The last failure, until the next delivery.
  var trouble: String?
  private var isReading = false
  private var readingRestsUntil = Instant(nanoseconds: 0)
  /// When something to read was first seen behind what is under way.
  private var unreadSince: Instant?

  /// Loads that are done before the cursor can move past them, because a lower one is not: no more are read then.
  private static let loadsMax = 256
  /// How long a batch is filled while another is under way, when the settings have no minimum.
  private static let fillTime = Duration.milliseconds(200)
  /// How long to wait when the journal has nothing to read although something is pending.
  private static let readPause = Duration.milliseconds(100)

  package init(settings: DeliverySettings) {
    self.settings = settings
    bytesMax = settings.batch.bytesMax
  }

  /// What to do now; `read` and `send` are begun with it.
  ///
  /// - Parameters:
  ///   - stopBy: set while stopping: the time after which nothing is sent any more.
  ///   - maySend: whether a thread is left for another call of the sink.
  package mutating func step(at now: Instant, backlog: Cursor.Status, stopBy: Instant?, maySend: Bool) -> Step {
    if let stopBy, now >= stopBy || pause != nil { return .finished }
    // The journal was full and dropped them, counted: sending them would make no room and no sense.
    loads.removeAll { $0.lastSequence < backlog.position }
    if let pause, pause.isProbing { return .rest(until: nil, alarm: nil) }
    let opens = max(quietUntil, pause?.until ?? quietUntil)
    if now < opens {
      if let stopBy, opens >= stopBy { return .finished }
      return .rest(until: opens, alarm: nil)
    }
    if maySend, let sending = begin(at: now) { return .send(sending) }
    let due = loads.lazy.flatMap(\.parts).filter { !$0.isSending && $0.due > now }.map(\.due).min()
    let rest = reading(at: now, backlog: backlog, isStopping: stopBy != nil)
    switch rest {
    case .rest(let until, let alarm):
      return .rest(until: [due, until].compactMap { $0 }.min(), alarm: alarm)
    case .finished:
      guard loads.contains(where: { $0.parts.contains { !$0.isSending } }) else { return .finished }
      if let stopBy, let due, due >= stopBy { return .finished }
      return .rest(until: due, alarm: nil)
    case .read, .send: return rest
    }
  }

  /// Begins the first attempt that is due.
  private mutating func begin(at now: Instant) -> Sending? {
    for load in loads.indices where loads[load].takesTurn {
      guard let part = loads[load].parts.firstIndex(where: { !$0.isSending && $0.due <= now }) else { continue }
      loads[load].parts[part].isSending = true
      sending += 1
      pause?.isProbing = true
      return Sending(id: loads[load].parts[part].id, batch: loads[load].parts[part].batch)
    }
    return nil
  }

  /// Whether to read now: `finished` when there is nothing to read and nothing will come.
  private mutating func reading(at now: Instant, backlog: Cursor.Status, isStopping: Bool) -> Step {
    let underWay = loads.reduce(into: Amount()) { $0 += $1.amount }
    var unread = backlog.pending
    unread -= underWay
    guard unread.records > 0, let oldest = backlog.oldest else {
      unreadSince = nil
      if isStopping { return .finished }
      return .rest(until: nil, alarm: Cursor.Alarm(items: loads.isEmpty ? 0 : underWay.items + 1))
    }
    let unfinished = loads.count { !$0.parts.isEmpty }
    if isReading || unfinished >= settings.consumers || loads.count >= Lane.loadsMax {
      return .rest(until: nil, alarm: nil)
    }
    if now < readingRestsUntil { return .rest(until: readingRestsUntil, alarm: nil) }
    let since = loads.isEmpty ? oldest : unreadSince ?? now
    unreadSince = since
    if let minimum = minimum(isAlone: unfinished == 0), !isStopping {
      let isEnough = unread.items >= minimum.items || unread.bytes >= minimum.bytes
      let timeout = since + minimum.flushTimeout
      if !isEnough, now < timeout {
        let bytes = underWay.bytes.addingReportingOverflow(minimum.bytes)
        let items = underWay.items.addingReportingOverflow(minimum.items)
        return .rest(
          until: timeout,
          alarm: Cursor.Alarm(
            items: items.overflow ? .max : items.partialValue, bytes: bytes.overflow ? .max : bytes.partialValue))
      }
    }
    isReading = true
    return .read(
      Reading(
        limits: Cursor.Limits(itemsMax: settings.batch.itemsMax, bytesMax: bytesMax, recordsMax: unread.records),
        after: loads.last?.lastSequence ?? 0))
  }

  /// What is worth a batch: the setting, or beside another one a full batch.
  private func minimum(isAlone: Bool) -> BatchSettings.Minimum? {
    if let minimum = settings.batch.minimum { return minimum }
    if isAlone { return nil }
    return .init(items: settings.batch.itemsMax, bytes: bytesMax, flushTimeout: Lane.fillTime)
  }

  /// What the reading came to: nil when the journal could show nothing, which is not worth a busy loop.
  package mutating func take(_ load: Load?, at now: Instant) {
    isReading = false
    unreadSince = nil
    guard var load else {
      readingRestsUntil = now + Lane.readPause
      return
    }
    load.parts = load.batches.map { part($0, at: now) }
    loads.append(load)
  }

  mutating func part(_ batch: Batch, at now: Instant, since: Instant? = nil) -> Load.Part {
    partsMade += 1
    return Load.Part(id: partsMade, batch: batch, backoff: Backoff(settings.retry), due: now, since: since)
  }

  /// Stopping begins: what waits for its next attempt gets it at once.
  package mutating func hurry(at now: Instant) {
    quietUntil = min(quietUntil, now)
    readingRestsUntil = quietUntil
    for load in loads.indices {
      for part in loads[load].parts.indices { loads[load].parts[part].due = now }
    }
  }
}
