// Writes log events to standard error, one line each.

internal import Logging
internal import System

/// How lines are written and which; every logger of the process follows a change at once.
final class LogSettings: Sendable {
  struct Values: Equatable, Sendable {
    var format: LogFormat
    var level: Logger.Level
  }

  private let state: Lock<Values>

  init(_ values: Values) { state = Lock(values) }

  var values: Values { state.withLock { $0 } }

  func change(to values: Values) { state.withLock { $0 = values } }
}

/// swift-log's back end for otlpd.
struct LineLogHandler: LogHandler {
  var logLevel: Logger.Level {
    get { ownLevel ?? settings.values.level }
    set { ownLevel = newValue }
  }
  var metadata: Logger.Metadata = [:]
  private var ownLevel: Logger.Level?
  private let settings: LogSettings
  private let clock: any Clock
  /// Lines may come from a reactor thread: a reader that has stopped must not stop it.
  private static let console = Console(descriptor: StandardStream.error.rawValue, patience: .milliseconds(100))

  init(_ settings: LogSettings, clock: any Clock) {
    self.settings = settings
    self.clock = clock
  }

  subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  func log(event: LogEvent) {
    let all = metadata.merging(event.metadata ?? [:]) { _, own in own }
    // Who speaks comes first, the rest by name: the same event always reads the same.
    let names = all.keys.sorted { ($0 == "component" ? "" : $0) < ($1 == "component" ? "" : $1) }
    let fields = names.map { (key: $0, value: all[$0].map { "\($0)" } ?? "") }
    LineLogHandler.console.write(settings.values.format.line(event.level, "\(event.message)", fields, at: clock.wall))
  }
}
