// The pages of `/api/v1`: from parameters to a question, and from its answer to JSON.

internal import Bytes
internal import TelemetryStore

/// Each function answers one page. Times are Unix seconds, durations milliseconds, unless a name says otherwise.
struct StoreQuestions: Sendable {
  /// Unix nanoseconds.
  let now: UInt64

  private static let window = ["since", "from", "to"]

  func services(_ reader: StoreReader, _ parameters: QueryParameters) throws(QueryError) -> Bytes? {
    try parameters.allow(Self.window)
    let answer = try reader.services(try parameters.window(now: now))
    return Self.document(answer.skipped) { json in
      json.field("services", array: answer.value) { json, service in
        json.object { json in
          json.field("name", service.name)
          json.field("versions", array: service.versions) { $0.value($1) }
          json.field("last_seen", service.lastSeen.map { $0 / 1_000_000_000 })
          json.field("requests_per_second", service.requestsPerSecond)
          if let statistics = service.statistics { json.fields(of: statistics) }
        }
      }
    }
  }

  func routes(_ reader: StoreReader, _ parameters: QueryParameters) throws(QueryError) -> Bytes? {
    try parameters.allow(Self.window + ["service", "category", "name"])
    let answer = try reader.operations(try parameters.window(now: now), parameters.operationFilter)
    return Self.document(answer.skipped) { json in
      json.fields(of: answer.value.window)
      json.field("routes", array: answer.value.rows) { json, row in
        json.object { json in
          json.field("service", row.operation.service)
          json.field("category", row.operation.category)
          json.field("name", row.operation.name)
          json.field("requests_per_second", row.requestsPerSecond)
          json.field("time_share", row.timeShare)
          json.fields(of: row.statistics)
        }
      }
    }
  }

  func requests(_ reader: StoreReader, _ parameters: QueryParameters) throws(QueryError) -> Bytes? {
    try parameters.allow(Self.window + ["service", "category", "name"])
    let answer = try reader.chart(try parameters.window(now: now), parameters.operationFilter)
    return Self.document(answer.skipped) { json in
      json.fields(of: answer.value.window, step: answer.value.step)
      json.field("points", array: answer.value.points) { json, point in
        json.object { json in
          json.field("time", point.time / 1_000_000_000)
          json.fields(of: point.statistics)
        }
      }
    }
  }

  func heatMap(_ reader: StoreReader, _ parameters: QueryParameters) throws(QueryError) -> Bytes? {
    try parameters.allow(Self.window + ["service", "category", "name"])
    let answer = try reader.heatMap(try parameters.window(now: now), parameters.operationFilter)
    return Self.document(answer.skipped) { json in
      json.fields(of: answer.value.window, step: answer.value.step)
      json.field("rows_per_doubling", Int64(2))
      json.field("cells", array: answer.value.cells) { json, cell in
        json.array([cell.time / 1_000_000_000, Int64(cell.row), Int64(cell.count)]) { $0.value($1) }
      }
    }
  }

  func dependencies(_ reader: StoreReader, _ parameters: QueryParameters) throws(QueryError) -> Bytes? {
    try parameters.allow(Self.window)
    let answer = try reader.dependencies(try parameters.window(now: now))
    return Self.document(answer.skipped) { json in
      json.field("dependencies", array: answer.value) { json, edge in
        json.object { json in
          json.field("caller", edge.caller)
          json.field("callee", edge.callee)
          json.field("calls", edge.calls)
          json.field("errors", edge.errors)
        }
      }
    }
  }

  func findings(_ reader: StoreReader, _ parameters: QueryParameters) throws(QueryError) -> Bytes? {
    try parameters.allow(Self.window + ["service"])
    let answer = try reader.findings(try parameters.window(now: now), service: parameters["service"])
    return Self.document(answer.skipped) { json in
      json.field("findings", array: answer.value) { json, finding in
        json.object { json in
          json.field("kind", finding.key.kind)
          json.field("service", finding.key.service)
          json.field("place", finding.key.place)
          json.field("statement", finding.key.statement)
          json.field("traces", finding.traces)
          json.field("executions", finding.executions)
          json.field("total_ms", Double(finding.total) / 1e6)
          json.field("first_seen", finding.firstSeen / 1_000_000_000)
          json.field("last_seen", finding.lastSeen / 1_000_000_000)
          json.field("worst_trace_id", finding.worstTraceID)
          json.field("worst_parent_span_id", finding.worstParentSpanID)
          json.field("worst_executions", finding.worstExecutions)
          json.field("worst_ms", Double(finding.worst) / 1e6)
        }
      }
    }
  }

  /// One object, with the files that could not be asked at its end.
  static func document(_ skipped: [SkippedFile], _ body: (inout JSONText) -> Void) -> Bytes {
    var json = JSONText()
    json.object { json in
      body(&json)
      json.field("skipped_files", array: skipped) { json, file in
        json.object { json in
          json.field("name", file.name)
          json.field("reason", file.reason)
        }
      }
    }
    return json.finish()
  }
}

extension QueryParameters {
  /// `service`, `category` (routes when there is none) and `name`.
  var operationFilter: OperationFilter {
    OperationFilter(service: self["service"], category: self["category"] ?? "route", name: self["name"])
  }

  /// The `attr=KEY=VALUE` parameters.
  func attributes() throws(QueryError) -> [(key: String, value: String)] {
    var attributes: [(key: String, value: String)] = []
    for text in all("attr") {
      guard let equals = text.firstIndex(of: "="), equals != text.startIndex else {
        throw .invalid("attr: expected KEY=VALUE, found \(text)")
      }
      attributes.append((String(text[..<equals]), String(text[text.index(after: equals)...])))
    }
    return attributes
  }
}

extension JSONText {
  mutating func fields(of window: TimeWindow, step: Int64? = nil) {
    field("from", Double(window.from) / 1e9)
    field("to", Double(window.to) / 1e9)
    if let step { field("step", step / 1_000_000_000) }
  }

  mutating func fields(of statistics: RequestStatistics) {
    field("requests", statistics.requests)
    field("errors", statistics.errors)
    field("client_errors", statistics.clientErrors)
    field("error_share", statistics.requests > 0 ? Double(statistics.errors) / Double(statistics.requests) : 0)
    for percent in [50, 75, 90, 95, 99] {
      field("p\(percent)_ms", statistics.percentile(Double(percent) / 100).map { $0 / 1e6 })
    }
    field("max_ms", Double(statistics.longest) / 1e6)
    field("total_ms", Double(statistics.total) / 1e6)
    field("slowest_trace_id", statistics.slowestTraceID)
  }
}
