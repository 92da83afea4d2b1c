// The forms a log line takes: for a terminal, for a file, for the journal of systemd, and as JSON.

internal import Logging
internal import System

/// How log lines are written; decided once at start.
enum LogFormat: Sendable {
  /// `05:06:07 warning  exporting failed  exporter=otlp_http error="connection refused"`: a person is reading.
  case terminal
  /// `time=… level=… msg=… key=value`: logfmt, one line per event.
  case logfmt
  /// `<4>exporting failed exporter=otlp_http`: sd-daemon(3) priorities; journald adds the time itself.
  case journal
  /// One JSON object per line.
  case json

  /// One event as one line, with its line feed.
  func line(_ level: Logger.Level, _ message: String, _ fields: [(key: String, value: String)], at wall: UInt64)
    -> String
  {
    let time = UTCTime(unixNanoseconds: wall)
    let pairs = fields.map { " \($0.key)=\(logfmtValue($0.value))" }.joined()
    switch self {
    case .terminal:
      let word = level.word
      let column = word + String(repeating: " ", count: max(1, 9 - word.count))
      return "\(time.timeOfDay) \(column)\(printable(message))\(pairs.isEmpty ? "" : " ")\(pairs)\n"
    case .logfmt:
      return "time=\(time.timestamp) level=\(level.word) msg=\(logfmtValue(message))\(pairs)\n"
    case .journal:
      return "<\(level.priority)>\(printable(message))\(pairs)\n"
    case .json:
      let head = [("ts", time.timestamp), ("level", level.word), ("msg", message)]
      let members = head + fields.map { ($0.key, $0.value) }
      return "{" + members.map { "\(jsonString($0.0)):\(jsonString($0.1))" }.joined(separator: ",") + "}\n"
    }
  }

  /// The value bare when it is one plain word, else in double quotes with escapes.
  private func logfmtValue(_ value: String) -> String {
    let plain = value.unicodeScalars.allSatisfy { $0.value > 0x20 && $0.value < 0x7f && $0 != "\"" && $0 != "=" }
    return plain && !value.isEmpty ? value : "\"" + escaped(value) + "\""
  }

  /// The text with control characters escaped, so that a peer's bytes cannot steer a terminal.
  private func printable(_ text: String) -> String {
    text.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0.value != 0x7f } ? text : escaped(text)
  }

  private func jsonString(_ value: String) -> String { "\"" + escaped(value) + "\"" }

  /// Escapes that JSON and logfmt readers share.
  private func escaped(_ text: String) -> String {
    var result = ""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": result += "\\\""
      case "\\": result += "\\\\"
      case "\n": result += "\\n"
      case "\r": result += "\\r"
      case "\t": result += "\\t"
      case _ where scalar.value < 0x20 || (0x7f...0x9f).contains(scalar.value):
        let digits = String(scalar.value, radix: 16)
        result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result
  }
}

extension Logger.Level {
  /// The word in a line.
  var word: String {
    switch self {
    case .trace, .debug: "debug"
    case .info, .notice: "info"
    case .warning: "warning"
    case .error, .critical: "error"
    }
  }

  /// The priority of sd-daemon(3).
  var priority: Int {
    switch self {
    case .trace, .debug: 7
    case .info: 6
    case .notice: 5
    case .warning: 4
    case .error: 3
    case .critical: 2
    }
  }
}
