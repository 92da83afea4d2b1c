// Writes log events to standard error, one line each.

internal import Logging
internal import System

/// swift-log's back end for otlpd.
struct LineLogHandler: LogHandler {
  var logLevel: Logger.Level
  var metadata: Logger.Metadata = [:]
  private let format: LogFormat
  private let clock: any Clock

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
    // The handler's own fields first, the event's behind them, each group by name: the same event reads the same.
    let fixed = metadata.sorted { $0.key < $1.key }.map { (key: $0.key, value: "\($0.value)") }
    let own = (event.metadata ?? [:]).sorted { $0.key < $1.key }.map { (key: $0.key, value: "\($0.value)") }
    StandardStream.error.write(format.line(event.level, "\(event.message)", fixed + own, at: clock.wall))
  }
}
