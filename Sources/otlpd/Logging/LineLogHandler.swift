// Writes log events to standard error, one line each.

internal import Logging
internal import System

/// swift-log's back end for otlpd.
struct LineLogHandler: LogHandler {
  var logLevel: Logger.Level
  var metadata: Logger.Metadata = [:]
  private let format: LogFormat
  private let clock: any Clock
  /// Lines may come from a reactor thread: a reader that has stopped must not stop it.
  private static let console = Console(descriptor: StandardStream.error.rawValue, patience: .milliseconds(100))

  init(format: LogFormat, level: Logger.Level, clock: any Clock) {
    self.format = format
    self.clock = clock
    logLevel = level
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
    LineLogHandler.console.write(format.line(event.level, "\(event.message)", fields, at: clock.wall))
  }
}
