// The forms a log line takes: for a terminal, for a file, for a supervisor, and as JSON.

package import Logging
internal import Sinks
internal import System

/// One event, ready to be written.
package struct LogEntry: Sendable {
  package let level: Logger.Level
  package let message: String
  package let fields: [(key: String, value: String)]
  /// Nanoseconds since 1970.
  package let wall: UInt64

  /// How much of a message and of a field's value is written; a peer may have made it.
  private static let messageMax = 16_384
  private static let valueMax = 4_096

  package init(level: Logger.Level, message: String, fields: [(key: String, value: String)], wall: UInt64) {
    self.level = level
    self.message = LogEntry.cut(message, LogEntry.messageMax)
    self.fields = fields.map { ($0.key, LogEntry.cut($0.value, LogEntry.valueMax)) }
    self.wall = wall
  }

  private static func cut(_ text: String, _ scalarsMax: Int) -> String {
    // A text has no more scalars than bytes.
    if text.utf8.count <= scalarsMax { return text }
    let scalars = text.unicodeScalars
    let head = scalars.prefix(scalarsMax)
    return head.endIndex == scalars.endIndex ? text : String(head) + "…"
  }
}

/// How log lines are written.
package enum LogFormat: Sendable {
  /// `05:06:07 warning  exporting failed  exporter=otlp_http error="connection refused"`: a person is reading.
  case terminal
  /// `time=… level=… msg=… key=value`: logfmt, one line per event.
  case logfmt
  /// `<4>exporting failed exporter=otlp_http`: sd-daemon(3) priorities; journald adds the time itself.
  case priority
  /// One JSON object per line.
  case json

  /// One event as one line, with its line feed.
  package func line(_ event: LogEntry) -> String {
    let time = UTCTime(unixNanoseconds: event.wall)
    let (message, pairs) = (event.message, LogFormat.pairs(event.fields))
    switch self {
    case .terminal:
      let word = event.level.word
      let column = word + String(repeating: " ", count: max(1, 9 - word.count))
      return "\(time.timeOfDay) \(column)\(message.printable)\(pairs.isEmpty ? "" : " ")\(pairs)\n"
    case .logfmt:
      return "time=\(time.timestamp) level=\(event.level.word) msg=\(LogFormat.value(message))\(pairs)\n"
    case .priority:
      return "<\(event.level.priority)>\(message.printable)\(pairs)\n"
    case .json:
      var members = [("ts", time.timestamp), ("level", event.level.word), ("msg", message)]
      // A name twice is no valid JSON to some readers.
      for field in event.fields where !members.contains(where: { $0.0 == field.key }) { members.append(field) }
      return "{" + members.map { "\(LogFormat.quoted($0.0)):\(LogFormat.quoted($0.1))" }.joined(separator: ",") + "}\n"
    }
  }

  /// ` key=value` for each.
  static func pairs(_ fields: [(key: String, value: String)]) -> String {
    fields.map { " \($0.key)=\(value($0.value))" }.joined()
  }

  /// The value bare when it is one plain word, else in double quotes with escapes.
  private static func value(_ value: String) -> String {
    let plain = value.unicodeScalars.allSatisfy { $0.value > 0x20 && $0.value < 0x7f && $0 != "\"" && $0 != "=" }
    return plain && !value.isEmpty ? value : quoted(value)
  }

  /// Escapes that JSON and logfmt readers share; also escaped is what could steer a terminal.
  private static func quoted(_ text: String) -> String {
    var result = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": result += "\\\""
      case "\\": result += "\\\\"
      case "\n": result += "\\n"
      case "\r": result += "\\r"
      case "\t": result += "\\t"
      case _ where scalar.isHarmful:
        let digits = String(scalar.value, radix: 16)
        result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result + "\""
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
