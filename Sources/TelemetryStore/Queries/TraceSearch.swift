// Finds traces by what their requests are like, newest first.

internal import Bytes
internal import OTLP
package import SQLite

/// What a trace must have: one span that answers a request or a message, or a root, with all of this.
package struct TraceFilter: Sendable {
  package var service: String?
  package var route: String?
  package var method: String?
  /// The span's name, or its operation's: method and route.
  package var name: String?
  /// HTTP status codes.
  package var statusCodes: ClosedRange<Int64>?
  /// Whether the span's status is an error.
  package var isError: Bool?
  /// Milliseconds.
  package var durationMin: Double?
  package var durationMax: Double?
  /// Attributes of the span or of its resource, by their values as text.
  package var attributes: [(key: String, value: String)] = []
  /// Somewhere in the name, the status message, the attributes or the events; without regard to case in ASCII.
  package var text: String?

  package init() {}
}

/// A place in the list of traces: everything older follows.
package struct TraceCursor: Sendable, Equatable, Comparable, CustomStringConvertible {
  let start: Int64
  let day: Int
  let row: Int64

  init(start: Int64, day: Int, row: Int64) {
    self.start = start
    self.day = day
    self.row = row
  }

  /// Reads what `description` wrote.
  package init?(_ text: String) {
    let parts = text.split(separator: ".", omittingEmptySubsequences: false)
    guard parts.count == 3, let start = Int64(parts[0]), let day = Int(parts[1]), let row = Int64(parts[2]) else {
      return nil
    }
    self.init(start: start, day: day, row: row)
  }

  package var description: String { "\(start).\(day).\(row)" }

  package static func < (left: TraceCursor, right: TraceCursor) -> Bool {
    (left.start, left.day, left.row) < (right.start, right.day, right.row)
  }
}

/// A trace in a list.
package struct TraceSummary: Sendable {
  /// Hex.
  package let traceID: String
  /// Of the span without a parent, or of the one that was found when that has not arrived.
  package let rootName: String
  package let rootService: String?
  /// Unix nanoseconds.
  package let start: Int64
  package let end: Int64
  package let spans: Int64
  package let errors: Int64
  package let services: [String]
}

package struct TracePage: Sendable {
  package let traces: [TraceSummary]
  /// Where the next page begins; nil on the last one.
  package let next: TraceCursor?
}

/// A span that made its trace match.
struct TraceHit {
  let cursor: TraceCursor
  let traceID: Bytes
  let name: String?
  let service: String?
}

extension StoreReader {
  package static let pageMax = 1000

  /// One page of the traces that match, newest first; a trace that lies in one file is listed once.
  package func traces(
    _ window: TimeWindow, _ filter: TraceFilter, limit: Int, before: TraceCursor? = nil
  ) throws(QueryError) -> Answer<TracePage> {
    let limit = min(max(limit, 1), StoreReader.pageMax)
    for attribute in filter.attributes where attribute.key.contains("\"") {
      throw .invalid("an attribute's key cannot contain a quote; found \(attribute.key)")
    }
    let session = try session(.traces, window)
    let parts = try session.ask { (file) throws(SQLiteError) in
      try TraceSearch(window, filter, limit: limit, before: before).hits(in: file)
    }
    let hits = parts.flatMap { $0 }.sorted { $0.cursor > $1.cursor }
    let page = hits.prefix(limit)
    var seen: Set<[UInt8]> = []
    let distinct = page.filter { seen.insert($0.traceID.array).inserted }
    let traces = try session.summaries(of: distinct)
    return session.answer(TracePage(traces: traces, next: hits.count > limit ? page.last?.cursor : nil))
  }
}

/// The search in one file.
package struct TraceSearch {
  private let window: TimeWindow
  private let filter: TraceFilter
  private let limit: Int
  private let before: TraceCursor?

  package init(_ window: TimeWindow, _ filter: TraceFilter, limit: Int, before: TraceCursor?) {
    self.window = window
    self.filter = filter
    self.limit = limit
    self.before = before
  }

  func hits(in file: QuerySession.OpenFile) throws(SQLiteError) -> [TraceHit] {
    // Without a better index, requests are found service by service.
    guard index == "span_entries", filter.service == nil else { return try hits(in: file, service: filter.service) }
    var hits: [TraceHit] = []
    for service in try file.services() { hits += try self.hits(in: file, service: service) }
    return hits
  }

  /// At most one more than a page.
  private func hits(in file: QuerySession.OpenFile, service: String?) throws(SQLiteError) -> [TraceHit] {
    let (sql, values) = statement(day: file.day.number, service: service)
    var rows = try file.database.prepare(sql)
    rows.bind(values)
    var hits: [TraceHit] = []
    while try rows.step() {
      hits.append(
        TraceHit(
          cursor: TraceCursor(start: rows.integer(0), day: file.day.number, row: rows.integer(1)),
          traceID: rows.bytes(2) ?? Bytes(), name: rows.text(3), service: rows.text(4)))
    }
    return hits
  }

  /// The index that narrows the search most.
  var index: String {
    if filter.route != nil { return "span_routes" }
    return filter.isError == true ? "span_errors" : "span_entries"
  }

  /// The search as SQL, for the plan's test too.
  package func statement(day: Int, service: String?) -> (sql: String, values: [SQLiteValue]) {
    var conditions = Conditions()
    let hit = condition(on: "hit", service: service, &conditions)
    let newer = condition(on: "newer", service: service, &conditions)
    var place = "1"
    if let before {
      let start = conditions.parameter(before.start)
      let row = day < before.day ? Int64.max : day == before.day ? before.row : 0
      place =
        "hit.start_time_unix_nano <= \(start) AND (hit.start_time_unix_nano < \(start) "
        + "OR hit.id < \(conditions.parameter(row)))"
    }
    let sql = """
      SELECT hit.start_time_unix_nano, hit.id, hit.trace_id, hit.name, hit.service_name
      FROM span_rows AS hit INDEXED BY \(index)
      WHERE \(hit) AND \(place) AND NOT EXISTS (
        SELECT 1 FROM span_rows AS newer INDEXED BY span_identity
        WHERE newer.trace_id = hit.trace_id AND \(newer)
          AND (newer.start_time_unix_nano, newer.id) > (hit.start_time_unix_nano, hit.id))
      ORDER BY hit.start_time_unix_nano DESC, hit.id DESC LIMIT \(limit + 1)
      """
    return (sql, conditions.values)
  }

  private func condition(on span: String, service: String?, _ conditions: inout Conditions) -> String {
    var parts = [
      "\(span).trace_id IS NOT NULL", "(\(span).kind IN (2, 5) OR \(span).parent_span_id IS NULL)",
      "\(span).start_time_unix_nano >= \(conditions.parameter(window.from))",
      "\(span).start_time_unix_nano < \(conditions.parameter(window.to))",
    ]
    if filter.service != nil || index == "span_entries" {
      parts.append("\(span).service_name IS \(conditions.parameter(service))")
    }
    if let route = filter.route { parts.append("\(span).http_route = \(conditions.parameter(route))") }
    if let method = filter.method { parts.append("\(span).http_method = \(conditions.parameter(method))") }
    if let name = filter.name {
      let name = conditions.parameter(name)
      parts.append("\(span).name = \(name) OR \(span).http_method || ' ' || \(span).http_route = \(name)")
    }
    if let isError = filter.isError { parts.append("\(span).status_code \(isError ? "=" : "<>") 2") }
    if let codes = filter.statusCodes {
      parts.append("\(span).http_status_code BETWEEN \(codes.lowerBound) AND \(codes.upperBound)")
    }
    if let least = filter.durationMin { parts.append("\(span).duration_ms >= \(conditions.parameter(.real(least)))") }
    if let most = filter.durationMax { parts.append("\(span).duration_ms <= \(conditions.parameter(.real(most)))") }
    for attribute in filter.attributes {
      let path = conditions.parameter("$.\"\(attribute.key)\"")
      let value = conditions.parameter(attribute.value)
      // `->` gives JSON: true and false are words there, and 1 and 0 as values.
      let has = { (json: String) in "CAST(\(json) ->> \(path) AS TEXT) = \(value) OR \(json) -> \(path) = \(value)" }
      parts.append(
        "\(has("\(span).attributes")) OR EXISTS (SELECT 1 FROM resources "
          + "WHERE resources.id = \(span).resource_id AND (\(has("resources.attributes"))))")
    }
    if let text = filter.text {
      let pattern = conditions.parameter(text.likePattern)
      parts.append(
        ["name", "status_message", "attributes", "events"].map { "\(span).\($0) LIKE \(pattern) ESCAPE '\\'" }
          .joined(separator: " OR "))
    }
    return parts.map { "(\($0))" }.joined(separator: " AND ")
  }
}

extension QuerySession.OpenFile {
  /// The services of the file; nil stands for telemetry without a name.
  func services() throws(SQLiteError) -> [String?] {
    var rows = try database.prepare("SELECT DISTINCT service_name FROM resources")
    var names: [String?] = []
    while try rows.step() { names.append(rows.text(0)) }
    return names
  }
}

extension QuerySession {
  /// What the traces of the hits are like, in their order, over all files of the session.
  func summaries(of hits: [TraceHit]) throws(QueryError) -> [TraceSummary] {
    struct Part {
      var root: (name: String, service: String?)?
      var start = Int64.max
      var end = Int64.min
      var spans: Int64 = 0
      var errors: Int64 = 0
      var services: Set<String> = []
    }
    let parts = try ask { (file) throws(SQLiteError) -> [Part] in
      var sums = try file.database.prepare(
        """
        SELECT service_name, count(*), sum(status_code = 2), min(start_time_unix_nano), max(end_time_unix_nano)
        FROM span_rows WHERE trace_id = ?1 GROUP BY service_name
        """)
      var root = try file.database.prepare(
        """
        SELECT name, service_name FROM span_rows WHERE trace_id = ?1 AND parent_span_id IS NULL
        ORDER BY start_time_unix_nano LIMIT 1
        """)
      var parts: [Part] = []
      for hit in hits {
        var part = Part()
        sums.bind(blob: hit.traceID.span, at: 1)
        while try sums.step() {
          if let service = sums.text(0) { part.services.insert(service) }
          part.spans += sums.integer(1)
          part.errors += sums.integer(2)
          part.start = min(part.start, sums.integer(3))
          part.end = max(part.end, sums.integer(4))
        }
        root.bind(blob: hit.traceID.span, at: 1)
        if try root.step() {
          part.root = (root.text(0) ?? "", root.text(1))
          root.reset()
        }
        parts.append(part)
      }
      return parts
    }
    return hits.indices.map { index in
      let mine = parts.map { $0[index] }
      let root = mine.compactMap(\.root).first
      return TraceSummary(
        traceID: hits[index].traceID.hex, rootName: root?.name ?? hits[index].name ?? "",
        rootService: root.map(\.service) ?? hits[index].service, start: mine.map(\.start).min() ?? 0,
        end: mine.map(\.end).max() ?? 0, spans: mine.reduce(0) { $0 + $1.spans },
        errors: mine.reduce(0) { $0 + $1.errors }, services: Set(mine.flatMap(\.services)).sorted())
    }
  }
}
