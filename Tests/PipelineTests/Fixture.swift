// What the pipeline's tests share: requests of opaque bytes, a scripted sink, and a recorder of outcomes.

import Bytes
import Journal
import Logging
import OTLP
import Pipeline
import SelfTelemetry
import System

/// Attempts follow each other as fast as a test likes.
let fast = RetrySettings(initialInterval: .milliseconds(1), maxInterval: .milliseconds(2))

let quiet = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

/// A request whose payload is its name; the pipeline never looks inside.
func request(_ name: String, _ signal: Signal = .traces, items: Int = 1) -> ExportRequest {
  ExportRequest(held: Bytes(name), itemCount: items, signal: signal)
}

extension Batch {
  var names: [String] { requests.map(\.payload.text) }
}

/// Collects what `accept` answers.
final class Outcomes: Sendable {
  private let outcomes = Lock<[AcceptOutcome]>([])

  var all: [AcceptOutcome] { outcomes.withLock { $0 } }
  func add(_ outcome: AcceptOutcome) { outcomes.withLock { $0.append(outcome) } }
}

/// A sink that does what a test tells it, and remembers what it got.
final class ScriptedSink: Sink {
  typealias Answer = @Sendable (_ batch: Batch, _ attempt: Int) -> Result<ExportRequest.Rejection?, ExportError>

  struct Seen {
    var starts = 0
    var stops = 0
    var attempts = 0
    var delivered: [Batch] = []
  }

  private let seen = Lock(Seen())
  private let answer: Answer

  init(_ answer: @escaping Answer = { _, _ in .success(nil) }) { self.answer = answer }

  var state: Seen { seen.withLock { $0 } }
  var deliveredNames: [String] { state.delivered.flatMap(\.names) }

  func start() { seen.withLock { $0.starts += 1 } }

  func stop() { seen.withLock { $0.stops += 1 } }

  func export(_ batch: Batch) throws(ExportError) -> ExportRequest.Rejection? {
    let attempt = seen.withLock { seen in
      seen.attempts += 1
      return seen.attempts
    }
    seen.wakeAll()
    let result = answer(batch, attempt)
    seen.withLock { if case .success = result { $0.delivered.append(batch) } }
    seen.wakeAll()
    return try result.get()
  }

  /// Waits until the sink has seen enough; whether it did before a minute was over.
  func wait(_ condition: @escaping (Seen) -> Bool) -> Bool {
    seen.wait(until: SystemClock().monotonic + .seconds(60)) { condition($0) ? true : nil } ?? false
  }
}

/// A gate that holds a sink's thread until a test opens it.
final class Gate: Sendable {
  private let isOpen = Lock(false)

  func open() {
    isOpen.withLock { $0 = true }
    isOpen.wakeAll()
  }

  func pass() { _ = isOpen.wait(until: nil) { $0 ? true : nil } }
}

/// A journal with sinks and pipelines around it, on the system's clock.
final class Daemon {
  let metrics = MetricRegistry()
  let journal: Journal
  private(set) var workers: [SinkWorker] = []
  private var pipeline: Pipeline?

  init(journalBytes: Int = 1 << 20) {
    journal = Journal(
      settings: JournalSettings(memoryBytesMax: journalBytes), clock: SystemClock(), metrics: metrics)
  }

  /// Adds a sink to every signal's pipeline; its thread starts with `start`.
  @discardableResult
  func add(
    _ sink: any Sink, _ id: String, _ settings: DeliverySettings = DeliverySettings(),
    signals: [Signal] = Signal.allCases
  ) -> SinkWorker {
    let worker = SinkWorker(
      sink: sink, id: id, signals: signals, settings: settings, journal: journal, metrics: metrics,
      logger: quiet, clock: SystemClock())
    workers.append(worker)
    return worker
  }

  func start() throws {
    for worker in workers { try worker.start() }
  }

  @discardableResult
  func accept(_ request: ExportRequest) -> AcceptOutcome? {
    let sinks = workers.map(\.id)
    let pipeline =
      pipeline
      ?? Pipeline(
        pipelines: Signal.allCases.map { PipelineSettings(signal: $0, receivers: ["otlp"], sinks: sinks) },
        journal: journal, metrics: metrics, logger: quiet, clock: SystemClock())
    self.pipeline = pipeline
    let outcomes = Outcomes()
    pipeline.accept(request, from: "otlp") { outcomes.add($0) }
    return outcomes.all.first
  }

  func stop(deadline: Duration = .seconds(30)) {
    for worker in workers { worker.beginStop(deadline: deadline) }
    for worker in workers { worker.stop(deadline: deadline) }
  }

  /// The value of a series in the metrics; 0 when it is not there.
  func value(_ series: String) -> Int { metrics.value(series) }

  /// The sum of all series of a sink's dropped items.
  func dropped(_ sink: String) -> Int {
    metrics.render().split(separator: "\n")
      .filter { $0.hasPrefix("otlpd_dropped_items{exporter=\"\(sink)\"") }
      .reduce(0) { $0 + (Int($1.split(separator: " ").last ?? "") ?? 0) }
  }
}

extension MetricRegistry {
  func value(_ series: String) -> Int {
    for line in render().split(separator: "\n") where line.hasPrefix(series + " ") {
      return Int(line.dropFirst(series.utf8.count + 1)) ?? -1
    }
    return 0
  }
}

/// A reproducible source of random numbers (SplitMix64).
struct SeededRandom: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}
