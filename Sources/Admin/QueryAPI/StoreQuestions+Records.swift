// The pages of `/api/v1` that show traces, logs and metrics.

internal import Bytes
internal import TelemetryStore

extension StoreQuestions {
  private static let window = ["since", "from", "to"]

  func traces(_ reader: StoreReader, _ parameters: QueryParameters) throws(QueryError) -> Bytes? {
    try parameters.allow(
      Self.window + [
        "service", "route", "method", "name", "status", "error", "min", "max", "attr", "q", "limit", "before",
      ])
    let limit = try parameters.integer("limit", default: 20, in: 1...StoreReader.pageMax)
    let answer = try reader.traces(
      try parameters.window(now: now), try parameters.traceFilter(), limit: limit, before: try parameters.cursor())
    return Self.document(answer.skipped) { json in
      json.field("traces", array: answer.value.traces) { json, trace in
        json.object { json in
          json.field("trace_id", trace.traceID)
          json.field("root_name", trace.rootName)
          json.field("root_service", trace.rootService)
          json.field("start_unix_nano", String(trace.start))
          json.field("duration_ms", Double(max(0, trace.end - trace.start)) / 1e6)
          json.field("spans", trace.spans)
          json.field("errors", trace.errors)
          json.field("services", array: trace.services) { $0.value($1) }
        }
      }
      json.field("next", answer.value.next?.description)
    }
  }

  func trace(_ text: String, _ reader: StoreReader, _ parameters: QueryParameters) throws(QueryError) -> Bytes? {
    try parameters.allow([])
    guard let id = TraceID(text) else { throw .invalid("a trace id has up to 32 hex digits; found \(text)") }
    let answer = try reader.trace(id)
    if answer.value.spans.isEmpty { return nil }
    return Self.document(answer.skipped) { json in
      json.field("trace_id", answer.value.spans.first?.traceID)
      json.field("is_cut", answer.value.isCut)
      json.field("spans", array: answer.value.spans) { json, span in json.object { $0.fields(of: span) } }
    }
  }

  func logs(_ reader: StoreReader, _ parameters: QueryParameters) throws(QueryError) -> Bytes? {
    try parameters.allow(
      Self.window + ["q", "severity_min", "service", "trace_id", "span_id", "limit", "before"])
    let limit = try parameters.integer("limit", default: 100, in: 1...StoreReader.pageMax)
    let answer = try reader.logs(
      try parameters.window(now: now), try parameters.logFilter(), limit: limit, before: try parameters.cursor())
    return Self.document(answer.skipped) { json in
      json.field("logs", array: answer.value.logs) { json, log in json.object { $0.fields(of: log) } }
      json.field("next", answer.value.next?.description)
    }
  }

  func metrics(_ reader: StoreReader, _ parameters: QueryParameters) throws(QueryError) -> Bytes? {
    try parameters.allow(Self.window + ["service"])
    let answer = try reader.metrics(try parameters.window(now: now), service: parameters["service"])
    return Self.document(answer.skipped) { json in
      json.field("metrics", array: answer.value) { json, metric in
        json.object { json in
          json.field("name", metric.name)
          json.field("type", metric.type)
          json.field("unit", metric.unit)
          json.field("description", metric.description)
          json.field("temporality", metric.temporality)
          if let isMonotonic = metric.isMonotonic { json.field("is_monotonic", isMonotonic) }
          json.field("services", array: metric.services) { $0.value($1) }
          json.field("series", Int64(metric.series))
        }
      }
    }
  }

  func metricRange(_ reader: StoreReader, _ parameters: QueryParameters) throws(QueryError) -> Bytes? {
    try parameters.allow(Self.window + ["name", "service", "attr", "by"])
    guard let name = parameters["name"] else { throw .invalid("name: which metric? /api/v1/metrics lists them") }
    var filter = MetricFilter(name: name)
    filter.service = parameters["service"]
    filter.attributes = try parameters.attributes()
    if let key = parameters["by"] { filter.grouping = key == "none" ? .all : .attribute(key) }
    let answer = try reader.metric(try parameters.window(now: now), filter)
    return Self.document(answer.skipped) { json in
      json.fields(of: answer.value.window, step: answer.value.step)
      json.field("is_cut", answer.value.isCut)
      json.field("lines", array: answer.value.lines) { json, line in
        json.object { json in
          json.field("service", line.service)
          json.field("type", line.type)
          json.field("unit", line.unit)
          json.field("attributes", json: Bytes(line.attributes))
          json.field("points", array: line.points) { json, point in json.object { $0.fields(of: point) } }
        }
      }
    }
  }
}

extension QueryParameters {
  fileprivate func cursor() throws(QueryError) -> TraceCursor? {
    guard let text = self["before"] else { return nil }
    guard let cursor = TraceCursor(text) else {
      throw .invalid("before: expected what the page before gave as next, found \(text)")
    }
    return cursor
  }

  fileprivate func traceFilter() throws(QueryError) -> TraceFilter {
    var filter = TraceFilter()
    filter.service = self["service"]
    filter.route = self["route"]
    filter.method = self["method"]
    filter.name = self["name"]
    filter.statusCodes = try statusCodes()
    if let text = self["error"] {
      guard text == "true" || text == "false" else { throw .invalid("error: expected true or false, found \(text)") }
      filter.isError = text == "true"
    }
    filter.durationMin = try duration("min").map { $0 / 1e6 }
    filter.durationMax = try duration("max").map { $0 / 1e6 }
    filter.attributes = try attributes()
    filter.text = self["q"]
    return filter
  }

  /// `404`, or `5xx` for a class.
  private func statusCodes() throws(QueryError) -> ClosedRange<Int64>? {
    guard let text = self["status"] else { return nil }
    if text.hasSuffix("xx"), let hundreds = Int64(text.dropLast(2)), (1...5).contains(hundreds) {
      return (hundreds * 100)...(hundreds * 100 + 99)
    }
    guard let code = Int64(text) else { throw .invalid("status: expected a code or a class like 5xx, found \(text)") }
    return code...code
  }

  fileprivate func logFilter() throws(QueryError) -> LogFilter {
    var filter = LogFilter()
    filter.text = self["q"]
    let severity = try integer("severity_min", default: 0, in: 0...24)
    filter.severityMin = severity > 0 ? Int64(severity) : nil
    filter.service = self["service"]
    filter.span = self["span_id"]
    if let text = self["trace_id"] {
      guard let id = TraceID(text) else { throw .invalid("trace_id: expected up to 32 hex digits, found \(text)") }
      filter.trace = id
    }
    return filter
  }
}

extension JSONText {
  mutating func fields(of span: StoredSpan) {
    field("span_id", span.spanID)
    field("parent_span_id", span.parentSpanID)
    field("depth", Int64(span.depth))
    field("name", span.name)
    field("kind", span.kind)
    field("service", span.service)
    field("start_unix_nano", String(span.start))
    field("end_unix_nano", String(span.end))
    field("duration_ms", Double(span.duration) / 1e6)
    field("status_code", span.statusCode)
    field("status_message", span.statusMessage)
    field("attributes", json: span.attributes)
    field("events", json: span.events)
    field("links", json: span.links)
    field("trace_state", span.traceState)
    field("flags", span.flags)
    field("resource", json: span.resource)
    field("scope_name", span.scopeName)
    field("scope_version", span.scopeVersion)
  }

  mutating func fields(of log: StoredLog) {
    field("time_unix_nano", String(log.time))
    field("severity_number", log.severityNumber)
    field("severity_text", log.severityText)
    field("service", log.service)
    field("event_name", log.eventName)
    if log.bodyIsJSON { field("body", json: log.body) } else { field("body", log.body?.text) }
    field("trace_id", log.traceID)
    field("span_id", log.spanID)
    field("attributes", json: log.attributes)
    field("resource", json: log.resource)
  }

  fileprivate mutating func fields(of point: MetricPoint) {
    field("time", point.time / 1_000_000_000)
    if let value = point.value { field("value", value) }
    if let rate = point.rate { field("rate", rate) }
    if let mean = point.mean { field("mean", mean) }
    guard let buckets = point.buckets else { return }
    for percent in [50, 90, 95, 99] { field("p\(percent)", buckets.quantile(Double(percent) / 100)) }
  }
}
