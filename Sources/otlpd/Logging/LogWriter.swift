// What every log line goes through: the level, the bound on repetitions, and the places where lines go.

package import Logging
package import SelfTelemetry
package import System

/// The log of the process. Any thread; its settings may change while it is used.
package final class LogWriter: Sendable {
  package struct Settings: Sendable {
    package var level = Logger.Level.info
    package var outputs: [LogOutput]
    /// Added to every line.
    package var initialFields: [(key: String, value: String)] = []
    package var sampling = LogSampler.Settings()
    /// What could not be done as configured.
    package var problems: [String] = []

    package init(outputs: [LogOutput]) { self.outputs = outputs }
  }

  private struct State: Sendable {
    var settings: Settings
    var sampler: LogSampler
  }

  private let state: Lock<State>
  private let clock: any Clock
  private let written: [String: Counter]
  private let heldBack: Counter
  private let lost: Counter
  private let order = LineOrder()

  package init(_ settings: Settings, clock: any Clock, metrics: MetricRegistry) {
    state = Lock(State(settings: settings, sampler: LogSampler(settings.sampling)))
    self.clock = clock
    written = Dictionary(
      uniqueKeysWithValues: ["debug", "info", "warning", "error"].map { level in
        let counter = metrics.counter(
          "otlpd_log_lines", help: "Lines of otlpd's own log, by level.", labels: [Label("level", level)])
        return (level, counter)
      })
    heldBack = metrics.counter(
      "otlpd_log_lines_held_back", help: "Log lines that were not written because the same was said often enough.")
    lost = metrics.counter(
      "otlpd_log_lines_lost", help: "Log lines that their reader, or the disk, did not take in time.")
    tellProblems(settings)
  }

  /// A logger that writes here.
  package var logger: Logger { Logger(label: "otlpd") { _ in LineLogHandler(writer: self) } }

  package var level: Logger.Level { state.withLock { $0.settings.level } }

  /// Goes on with other settings; files are opened anew.
  package func apply(_ settings: Settings) {
    state.withLock { $0 = State(settings: settings, sampler: LogSampler(settings.sampling)) }
    tellProblems(settings)
  }

  func write(_ level: Logger.Level, _ message: String, _ fields: [(key: String, value: String)]) {
    // Information is given once, or is what the debug exporter is there for; what goes wrong may do so for ever.
    let isBounded = level >= .warning
    let admitted = state.withLock { state -> (held: Int, settings: Settings)? in
      guard isBounded else { return (0, state.settings) }
      let held = state.sampler.admit(kind: "\(level.word) \(message)", at: clock.monotonic)
      return held.map { ($0, state.settings) }
    }
    guard let admitted else { return heldBack.add() }
    written[level.word]?.add()
    var all = fields + admitted.settings.initialFields
    if admitted.held > 0 { all.append(("held_back", "\(admitted.held)")) }
    let entry = LogEntry(level: level, message: message, fields: all, wall: clock.wall)
    for output in admitted.settings.outputs where !output.write(entry, in: order) { lost.add() }
  }

  private func tellProblems(_ settings: Settings) {
    for problem in settings.problems { write(.warning, problem, []) }
  }
}

/// swift-log's back end for otlpd: one value per logger, one writer for all.
struct LineLogHandler: LogHandler {
  var metadata: Logger.Metadata = [:]
  private let writer: LogWriter

  init(writer: LogWriter) { self.writer = writer }

  /// The log's own; a single logger has none.
  var logLevel: Logger.Level {
    get { writer.level }
    set {}
  }

  subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  func log(event: LogEvent) {
    let all = metadata.merging(event.metadata ?? [:]) { _, own in own }
    // Who speaks comes first, the rest by name: the same event always reads the same.
    let names = all.keys.sorted { ($0 == "component" ? "" : $0) < ($1 == "component" ? "" : $1) }
    writer.write(event.level, "\(event.message)", names.map { (key: $0, value: all[$0].map { "\($0)" } ?? "") })
  }
}
