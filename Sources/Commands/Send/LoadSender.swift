// `otlpd send`: sends made-up telemetry, at a rate or as fast as it is taken, and counts the answers.

internal import Bytes
internal import Compression
internal import HTTPClient
package import OTLP
internal import Pipeline
internal import Sinks
package import System

/// How much is sent.
package struct SendAmount: Sendable {
  /// Items of each signal; nil for no end but the duration's.
  package var count: Int?
  package var duration: Duration?
  /// Items per second of all signals together; nil for as many as are taken.
  package var rate: Double?
  /// Items in one request.
  package var batch: Int
  package var connections: Int

  package init(count: Int?, duration: Duration?, rate: Double?, batch: Int, connections: Int) {
    self.count = count
    self.duration = duration
    self.rate = rate
    self.batch = batch
    self.connections = connections
  }
}

/// What became of one signal's items.
package struct SendTally: Sendable, Equatable {
  package var requests = 0
  package var accepted = 0
  /// By requests that were answered with an error, or not at all.
  package var refused = 0
  /// Left out of requests that were taken (OTLP "Partial Success").
  package var rejected = 0
  /// The first reason for a refusal.
  package var reason: String?
}

/// Sends from several threads at once. Blocks until all is sent.
package struct LoadSender: Sendable {
  /// Requests without an answer, one after the other, after which a thread gives up.
  private static let silenceMax = 3

  private let targets: [(signal: Signal, target: SendTarget)]
  private let amount: SendAmount
  private let service: String
  private let plan: Lock<Plan>

  /// What is left to do, and what was done.
  private struct Plan {
    var claimed: [Int]
    var tallies: [SendTally]
    var turn = 0
    var total = 0
    var isOver = false
  }

  private struct Claim {
    let index: Int
    let items: Int
    /// When it is to be sent.
    let due: Instant
  }

  package init(_ targets: [(signal: Signal, target: SendTarget)], _ amount: SendAmount, service: String) {
    self.targets = targets
    self.amount = amount
    self.service = service
    plan = Lock(
      Plan(
        claimed: targets.map { _ in 0 }, tallies: targets.map { _ in SendTally() }))
  }

  /// - Returns: the tallies in the order of the targets, and how long it took.
  package func run() throws(SystemError) -> (tallies: [SendTally], took: Duration) {
    let clock = SystemClock()
    let (start, wall) = (clock.monotonic, clock.wall)
    var threads: [Thread] = []
    for number in 0..<amount.connections {
      let seed = wall &+ UInt64(number) &* 0x1_0000_0001
      threads.append(
        try Thread(name: "send") {
          work(SampleTelemetry(service: service, seed: seed, start: wall), start: start, clock)
        })
    }
    for thread in threads { thread.join() }
    return (plan.withLock { $0.tallies }, clock.monotonic.since(start))
  }

  private func work(_ sample: SampleTelemetry, start: Instant, _ clock: SystemClock) {
    var sample = sample
    var connections: [Connection?] = targets.map { _ in nil }
    var silence = 0
    while silence < LoadSender.silenceMax, let claim = claim(start: start, now: clock.monotonic) {
      let wait = claim.due.since(clock.monotonic)
      if wait > .zero { Thread.sleep(for: wait) }
      let (signal, target) = targets[claim.index]
      let request = sample.request(signal, items: claim.items, now: clock.wall)
      let answer: OTLPAnswer
      do throws(HTTPClientError) {
        if connections[claim.index] == nil { connections[claim.index] = try Connection(target) }
        guard let connection = connections[claim.index] else { preconditionFailure("a connection was made above") }
        answer = try connection.send(request, target, now: clock.wall)
        silence = 0
      } catch {
        // libcurl's handle is of no more use, as `HTTPClient` says.
        connections[claim.index] = nil
        answer = OTLPAnswer(error, to: target.url)
        silence += 1
      }
      plan.withLock { $0.tallies[claim.index].count(answer, items: claim.items) }
      if case .failed(.retryable(let after, _)) = answer {
        Thread.sleep(for: min(after ?? .milliseconds(100), .seconds(1)))
      }
    }
    if silence == LoadSender.silenceMax { plan.withLock { $0.isOver = true } }
  }

  /// The next request to make; nil when nothing is left.
  private func claim(start: Instant, now: Instant) -> Claim? {
    plan.withLock { plan in
      let since = now.since(start)
      if plan.isOver || amount.duration.map({ since >= $0 }) == true { return nil }
      let offset = amount.rate.map { Duration.seconds(Double(plan.total) / $0) } ?? .zero
      // What would be due behind the end is not sent.
      if let duration = amount.duration, offset >= duration { return nil }
      for _ in targets.indices {
        let index = plan.turn
        plan.turn = (plan.turn + 1) % targets.count
        let items = min(amount.batch, (amount.count ?? .max) - plan.claimed[index])
        if items <= 0 { continue }
        plan.claimed[index] += items
        plan.total += items
        return Claim(index: index, items: items, due: start + offset)
      }
      return nil
    }
  }

  /// One client of one target.
  private final class Connection {
    private let client: HTTPClient
    private var compressor: Compressor?

    init(_ target: SendTarget) throws(HTTPClientError) {
      client = try HTTPClient(settings: target.settings.client, interruption: Interruption())
      if let packing = target.settings.compression { compressor = Compressor(packing.format, level: packing.level) }
    }

    func send(_ request: ExportRequest, _ target: SendTarget, now: UInt64) throws(HTTPClientError) -> OTLPAnswer {
      let url = target.transport.url(for: request.signal) ?? target.url
      let body = target.transport.body(of: [request], packedBy: &compressor)
      let response = try client.post(
        url: url, headers: target.transport.fields, body: body, timeout: target.settings.timeout)
      return target.transport.answer(response, from: target.url, signal: request.signal, now: now)
    }
  }
}

extension SendTally {
  fileprivate mutating func count(_ answer: OTLPAnswer, items: Int) {
    requests += 1
    switch answer {
    case .delivered(let rejection):
      let rejected = min(rejection?.itemCount ?? 0, items)
      self.rejected += rejected
      accepted += items - rejected
      if let rejection, reason == nil, rejected > 0 { reason = rejection.message }
    case .failed(let error):
      refused += items
      reason = reason ?? error.reason
    case .rejected(_, let detail):
      refused += items
      reason = reason ?? detail
    }
  }

  /// Whether everything arrived.
  package var isComplete: Bool { requests > 0 && refused == 0 && rejected == 0 }
}

extension ExportError {
  fileprivate var reason: String {
    switch self {
    case .retryable(_, let reason), .blocked(let reason), .tooLarge(let reason), .invalid(let reason),
      .permanent(let reason):
      reason
    }
  }
}

/// What was sent, in words.
package enum SendReport {
  package static func text(_ signal: Signal, _ target: SendTarget, _ tally: SendTally, took: Duration) -> String {
    let name = signal.itemsName.split(separator: "_").joined(separator: " ")
    let seconds = max(took.seconds, 0.001)
    var text = "\(signal.name): \(tally.accepted) \(name) accepted, \(tally.refused) refused"
    if tally.rejected > 0 { text += ", \(tally.rejected) rejected" }
    text += " in \(Quantity.count(tally.requests, "request")) and \(Quantity.number(seconds)) s "
    text += "(\(Quantity.number(Double(tally.accepted) / seconds)) per second), "
    text += "\(target.language.rawValue) to \(target.url)\n"
    if let reason = tally.reason { text += "  \(reason.printable)\n" }
    return text
  }
}
