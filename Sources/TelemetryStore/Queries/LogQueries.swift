// Log records by their words, severity, service and trace, newest first.

package import Bytes
internal import OTLP
internal import SQLite

/// What a log record must have.
package struct LogFilter: Sendable {
  /// Words of the body, all of them; one that ends with `*` is the beginning of a word.
  package var text: String?
  /// OTLP's severity number: 9 is INFO, 13 WARN, 17 ERROR.
  package var severityMin: Int64?
  package var service: String?
  package var trace: TraceID?
  /// Span id, hex.
  package var span: String?

  package init() {}
}

/// A log record as it is stored.
package struct StoredLog: Sendable {
  /// The record's own time, or when it was observed; Unix nanoseconds.
  package let time: Int64
  package let severityNumber: Int64
  package let severityText: String?
  package let service: String?
  package let eventName: String?
  /// A text, or flat JSON.
  package let body: Bytes?
  package let bodyIsJSON: Bool
  package let traceID: String?
  package let spanID: String?
  package let attributes: Bytes?
  package let resource: Bytes?
  /// Where it stands in the list.
  let cursor: TraceCursor

  /// What it reads behind the time.
  static let columns = """
    log_rows.id, severity_number, severity_text, log_rows.service_name, event_name, log_rows.body, body_is_json, \
    trace_id, span_id, log_rows.attributes, resources.attributes
    """

  init(_ row: borrowing Statement, day: Int) {
    time = row.integer(0)
    severityNumber = row.integer(2)
    severityText = row.text(3)
    service = row.text(4)
    eventName = row.text(5)
    body = row.bytes(6)
    bodyIsJSON = row.integer(7) != 0
    traceID = row.bytes(8)?.hex
    spanID = row.bytes(9)?.hex
    attributes = row.bytes(10)
    resource = row.bytes(11)
    cursor = TraceCursor(start: time, day: day, row: row.integer(1))
  }
}

package struct LogPage: Sendable {
  package let logs: [StoredLog]
  /// Where the next page begins; nil on the last one.
  package let next: TraceCursor?
}

extension StoreReader {
  /// One page of the log records that match.
  package func logs(
    _ window: TimeWindow, _ filter: LogFilter, limit: Int, before: TraceCursor? = nil
  ) throws(QueryError) -> Answer<LogPage> {
    let limit = min(max(limit, 1), StoreReader.pageMax)
    var spanID: Bytes?
    if let span = filter.span {
      guard let id = Bytes(hex: span), id.count == 8 else {
        throw .invalid("a span id has 16 hex digits; found \(span)")
      }
      spanID = id
    }
    let search = LogSearch(window: window, filter: filter, spanID: spanID, limit: limit, before: before)
    let session = try session(.logs, window)
    let logs = try session.ask { (file) throws(SQLiteError) in try search.logs(in: file) }.flatMap { $0 }
    let sorted = logs.sorted { $0.cursor > $1.cursor }
    let page = Array(sorted.prefix(limit))
    return session.answer(LogPage(logs: page, next: sorted.count > limit ? page.last?.cursor : nil))
  }
}

/// The search in one file.
struct LogSearch {
  let window: TimeWindow
  let filter: LogFilter
  let spanID: Bytes?
  let limit: Int
  let before: TraceCursor?

  /// How the rows are found.
  enum Way {
    case text(String)
    case trace(TraceID)
    case errors
    case service(String?)
  }

  func logs(in file: QuerySession.OpenFile) throws(SQLiteError) -> [StoredLog] {
    var logs: [StoredLog] = []
    for way in try ways(in: file) {
      // A record without a time of its own stands in the indexes at 0, and in the list where it was observed.
      for isObserved in [false, true] {
        let (sql, values) = statement(way, isObserved: isObserved, day: file.day.number)
        var rows = try file.database.prepare(sql)
        rows.bind(values)
        while try rows.step() { logs.append(StoredLog(rows, day: file.day.number)) }
      }
    }
    return logs
  }

  private func ways(in file: QuerySession.OpenFile) throws(SQLiteError) -> [Way] {
    if let trace = filter.trace { return [.trace(trace)] }
    if let match = filter.text.flatMap({ LogSearch.match($0) }) { return [.text(match)] }
    if let service = filter.service { return [.service(service)] }
    if let severity = filter.severityMin, severity >= 17 { return [.errors] }
    return try file.services().map { .service($0) }
  }

  func statement(_ way: Way, isObserved: Bool, day: Int) -> (sql: String, values: [SQLiteValue]) {
    var conditions = Conditions()
    let time = isObserved ? "observed_time_unix_nano" : "time_unix_nano"
    var from = "log_rows"
    switch way {
    case .text(let match):
      // The comma join with the text first, so that the words find the rows.
      from = "log_text CROSS JOIN log_rows ON log_rows.id = log_text.rowid"
      conditions.add("log_text MATCH \(conditions.parameter(match))")
    case .trace(let id):
      from += " INDEXED BY log_traces"
      conditions.add("trace_id = \(conditions.parameter(.blob(id.bytes)))")
      if let text = filter.text, let match = LogSearch.match(text) {
        conditions.add(
          "log_rows.id IN (SELECT rowid FROM log_text WHERE log_text MATCH \(conditions.parameter(match)))")
      }
    case .errors: from += " INDEXED BY log_errors"
    case .service: from += " INDEXED BY log_services"
    }
    if case .service(let service) = way {
      conditions.add("log_rows.service_name IS \(conditions.parameter(service))")
    } else if let service = filter.service {
      conditions.add("log_rows.service_name = \(conditions.parameter(service))")
    }
    if let severity = filter.severityMin {
      // As a number, so that the index of errors can be used.
      conditions.add("severity_number >= \(severity)")
    }
    if let spanID { conditions.add("span_id = \(conditions.parameter(.blob(spanID)))") }
    if isObserved { conditions.add("time_unix_nano = 0") }
    conditions.add("\(time) >= \(conditions.parameter(max(window.from, 1)))")
    conditions.add("\(time) < \(conditions.parameter(window.to))")
    if let before {
      let start = conditions.parameter(before.start)
      let row = day < before.day ? Int64.max : day == before.day ? before.row : 0
      conditions.add("\(time) <= \(start)")
      conditions.add("\(time) < \(start) OR log_rows.id < \(conditions.parameter(row))")
    }
    let sql = """
      SELECT \(time), \(StoredLog.columns)
      FROM \(from) LEFT JOIN resources ON resources.id = resource_id
      WHERE \(conditions.sql) ORDER BY \(time) DESC, log_rows.id DESC LIMIT \(limit + 1)
      """
    return (sql, conditions.values)
  }

  /// The words as an expression of FTS5, each quoted, so that none of them is an operator; nil when there are none.
  static func match(_ text: String) -> String? {
    let words = text.split { $0 == " " || $0 == "\t" || $0 == "\n" || $0 == "\0" }
    let terms = words.map { word in
      let isPrefix = word.count > 1 && word.hasSuffix("*")
      let quoted = (isPrefix ? word.dropLast() : word).reduce(into: "") { $0 += $1 == "\"" ? "\"\"" : String($1) }
      return "\"\(quoted)\"" + (isPrefix ? " *" : "")
    }
    return terms.isEmpty ? nil : terms.joined(separator: " ")
  }
}
