// Traces and logs as they are listed, and one trace as a waterfall.

internal import Sinks

extension Question {
  /// - Parameter filter: the parameters of `/api/v1/traces` that are given, by their names there.
  package static func traces(_ range: TimeRange, filter: [Parameter]) -> Question {
    Question(["v1", "traces"], range.parameters + filter, list: "traces") { answer, style in
      var table = TextTable(["START (UTC)", ">DURATION", ">SPANS", ">ERRORS", "SERVICE", "ROOT", "TRACE ID"])
      for row in answer["traces"].elements {
        let errors = row["errors"].integer ?? 0
        table.rows.append([
          TextTable.Cell(Quantity.time(unixNanoseconds: row["start_unix_nano"].integer)),
          TextTable.Cell(Quantity.duration(milliseconds: row["duration_ms"].double)),
          TextTable.Cell("\(row["spans"].integer ?? 0)"), TextTable.Cell("\(errors)", isBad: errors > 0),
          TextTable.Cell(row["root_service"].string ?? "(unnamed)"), TextTable.Cell(row["root_name"].string),
          TextTable.Cell(row["trace_id"].string),
        ])
      }
      return table.text(style)
    }
  }

  package static func trace(_ id: String, showsAttributes: Bool) -> Question {
    Question(["v1", "traces", id], [], list: "spans") { answer, style in
      Waterfall(answer, showsAttributes: showsAttributes).text(style)
    }
  }

  /// - Parameter filter: the parameters of `/api/v1/logs` that are given, by their names there.
  package static func logs(_ range: TimeRange, filter: [Parameter]) -> Question {
    Question(["v1", "logs"], range.parameters + filter, list: "logs") { answer, style in
      // The newest stand last, where a terminal shows them.
      answer["logs"].elements.reversed().map { LogLine.text($0, style) }.joined()
    }
  }
}

/// A log record on one line.
package enum LogLine {
  /// - Parameter log: as in the answers of `/api/v1/logs`.
  static func text(_ log: JSONValue, _ style: TextStyle) -> String {
    let name = severity(log)
    let number = log["severity_number"].integer ?? 0
    let painted = number >= 17 ? style.red(name) : number >= 13 ? style.yellow(name) : name
    let body = log["body"].string ?? (log["body"] == .null ? log["event_name"].string ?? "" : log["body"].json)
    var line = "\(Quantity.time(unixNanoseconds: log["time_unix_nano"].integer)) \(painted) "
    line += (log["service"].string ?? "-").printable + ": " + body.printable(scalarsMax: 4000)
    if let trace = log["trace_id"].string { line += " trace=\(trace)" }
    return line + "\n"
  }

  /// logs.proto: each name stands for four numbers.
  static let names = ["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"]

  private static func severity(_ log: JSONValue) -> String {
    let number = Int(log["severity_number"].integer ?? 0)
    let name = (1...24).contains(number) ? names[(number - 1) / 4] : log["severity_text"].string?.printable ?? "-"
    return name + String(repeating: " ", count: max(0, 5 - name.count))
  }

  /// The least number of a severity: `warn` is 13; numbers stand for themselves.
  package static func number(of text: String) throws(CommandFailure) -> String {
    if let number = Int(text), (1...24).contains(number) { return "\(number)" }
    guard let index = names.firstIndex(of: text.uppercased()) else {
      let list = names.map { $0.lowercased() }.joined(separator: ", ")
      throw CommandFailure("--severity: expected \(list) or a number from 1 to 24, found \(text)")
    }
    return "\(index * 4 + 1)"
  }
}
