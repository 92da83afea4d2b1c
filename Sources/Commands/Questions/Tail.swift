// `otlpd tail`: what is being stored, as it comes.
//
// It looks at the store's files several times a second, from the row behind the last one it saw. So it shows what the
// sqlite exporter has committed, costs the daemon nothing, and needs no connection to it.

internal import Admin
internal import Bytes
internal import Sinks
internal import System
internal import TelemetryStore

/// What is shown; everything that is given must hold.
package struct TailFilter: Sendable {
  /// Nil for both.
  package enum Kind: String, Sendable, CaseIterable { case spans, logs }

  package var kind: Kind?
  package var service: String?
  /// Somewhere in the span's name or the log's body, without regard to case.
  package var text: String?
  package var onlyErrors = false
  /// Milliseconds.
  package var durationMin: Double?
  /// The least severity of a log record.
  package var severityMin: Int64?

  package init() {}

  /// - Parameter span: as in the answers of `/api/v1/traces/{id}`.
  func takes(span: JSONValue) -> Bool {
    kind != .logs && takes(span, text: span["name"].string) && (!onlyErrors || span["status_code"].integer == 2)
      && (durationMin == nil || span["duration_ms"].double ?? 0 >= durationMin!)
  }

  /// - Parameter log: as in the answers of `/api/v1/logs`.
  func takes(log: JSONValue) -> Bool {
    let severity = log["severity_number"].integer ?? 0
    return kind != .spans && durationMin == nil && takes(log, text: log["body"].string ?? log["body"].json)
      && severity >= severityMin ?? 0 && (!onlyErrors || severity >= 17)
  }

  private func takes(_ item: JSONValue, text found: String?) -> Bool {
    if let service, item["service"].string != service { return false }
    guard let text else { return true }
    return (found ?? "").lowercased().contains(text.lowercased())
  }
}

extension QuestionDesk {
  private static let tailPause = Duration.milliseconds(250)

  /// Prints items until `limit` of them were shown, or for ever.
  ///
  /// - Parameter backlog: whether what is stored already is shown first.
  /// - Returns: whether `limit` was reached; false when the files cannot be read.
  package func tail(_ filter: TailFilter, limit: Int?, backlog: Bool) -> Bool {
    do throws(QueryError) {
      var position = backlog ? nil : try reader.tailEnd()
      warnOfSilence()
      var rest = limit ?? .max
      while true {
        let part = try reader.tail(after: position)
        position = part.position
        for line in lines(part, filter) {
          output(line)
          rest -= 1
          if rest <= 0 { return true }
        }
        if !part.isCut { Thread.sleep(for: QuestionDesk.tailPause) }
      }
    } catch {
      return fail(error)
    }
  }

  /// Says what to do when nothing can come.
  private func warnOfSilence() {
    if Directory(path: directory).holder != nil { return }
    complaint(
      "no otlpd stores anything in \(directory) now. Start it (systemctl start otlpd), or name the directory of its "
        + "sqlite exporter with --data-dir. Waiting.\n")
  }

  private func lines(_ part: TailPart, _ filter: TailFilter) -> [String] {
    let spans = part.spans.compactMap { span -> (time: Int64, line: String)? in
      guard let json = JSONValue(parsing: QueryAPI.json(of: span).array), filter.takes(span: json) else { return nil }
      return (span.end, format == .table ? Self.line(span: json, style) : json.json + "\n")
    }
    let logs = part.logs.compactMap { log -> (time: Int64, line: String)? in
      guard let json = JSONValue(parsing: QueryAPI.json(of: log).array), filter.takes(log: json) else { return nil }
      return (log.time, format == .table ? LogLine.text(json, style) : json.json + "\n")
    }
    return (spans + logs).sorted { $0.time < $1.time }.map(\.line)
  }

  private static func line(span: JSONValue, _ style: TextStyle) -> String {
    let isError = span["status_code"].integer == 2
    let verdict = isError ? style.red("ERROR") : "SPAN "
    var line = "\(Quantity.time(unixNanoseconds: span["end_unix_nano"].integer)) \(verdict) "
    line += (span["service"].string ?? "-").printable + ": " + (span["name"].string ?? "").printable(scalarsMax: 200)
    line += " " + Quantity.duration(milliseconds: span["duration_ms"].double)
    if isError, let message = span["status_message"].string { line += " " + message.printable(scalarsMax: 500) }
    if let trace = span["trace_id"].string { line += " trace=\(trace)" }
    return line + "\n"
  }
}
