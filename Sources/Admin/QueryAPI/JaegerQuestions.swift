// The query API of Jaeger's HTTP service, as its clients and Grafana's data source use it.

internal import Bytes
internal import HTTPServer
internal import OTLP
internal import TelemetryStore

/// Answers `/api/services`, `/api/operations`, `/api/traces` and `/api/dependencies` in Jaeger's envelope.
struct JaegerQuestions: Sendable {
  /// Unix nanoseconds.
  let now: UInt64

  private static let limitDefault = 20
  /// Each is sent whole.
  private static let limitMax = 200

  func page(_ path: [String]) -> QueryAPI.Page? {
    switch (path.count, path.first) {
    case (1, "services"): services
    case (3, "services") where path[2] == "operations":
      { (reader, _) throws(QueryError) in try operationNames(path[1], reader) }
    case (1, "operations"): operations
    case (1, "traces"): traces
    case (2, "traces"): { (reader, _) throws(QueryError) in try trace(path[1], reader) }
    case (1, "dependencies"): dependencies
    default: nil
    }
  }

  private func services(_ reader: StoreReader, _ parameters: QueryParameters) throws(QueryError) -> Bytes? {
    let names = try reader.serviceNames().value
    return Self.envelope(total: names.count) { json in json.array(names) { $0.value($1) } }
  }

  private func operationNames(_ service: String, _ reader: StoreReader) throws(QueryError) -> Bytes? {
    let names = Set(try reader.operationNames(of: service).value.map(\.name)).sorted()
    return Self.envelope(total: names.count) { json in json.array(names) { $0.value($1) } }
  }

  private func operations(_ reader: StoreReader, _ parameters: QueryParameters) throws(QueryError) -> Bytes? {
    guard let service = parameters["service"] else { throw .invalid("parameter 'service' is required") }
    let kind = parameters["spanKind"]
    let operations = try reader.operationNames(of: service).value.filter {
      kind == nil || JaegerTrace.kindName($0.kind) == kind
    }
    return Self.envelope(total: operations.count) { json in
      json.array(operations) { json, operation in
        json.object { json in
          json.field("name", operation.name)
          json.field("spanKind", JaegerTrace.kindName(operation.kind) ?? "")
        }
      }
    }
  }

  private func traces(_ reader: StoreReader, _ parameters: QueryParameters) throws(QueryError) -> Bytes? {
    var ids = try parameters.all("traceID").map { (text) throws(QueryError) in try Self.id(text) }
    if ids.isEmpty {
      guard parameters["service"] != nil else { throw .invalid("parameter 'service' is required") }
      let limit = try parameters.integer("limit", default: Self.limitDefault, in: 0...1_000_000)
      let found = try reader.traces(
        try window(parameters), try filter(parameters),
        limit: limit == 0 ? Self.limitDefault : min(limit, Self.limitMax))
      ids = found.value.traces.compactMap { TraceID($0.traceID) }
    }
    let traces = try reader.traces(Array(ids.prefix(Self.limitMax))).value.filter { !$0.spans.isEmpty }
    return Self.envelope(total: 0) { json in json.array(traces) { JaegerTrace.write($1, to: &$0) } }
  }

  private func trace(_ text: String, _ reader: StoreReader) throws(QueryError) -> Bytes? {
    let trace = try reader.trace(try Self.id(text)).value
    if trace.spans.isEmpty { return nil }
    return Self.envelope(total: 0) { json in json.array([trace]) { JaegerTrace.write($1, to: &$0) } }
  }

  private func dependencies(_ reader: StoreReader, _ parameters: QueryParameters) throws(QueryError) -> Bytes? {
    let day: Int64 = 86_400_000
    let now = Int64(clamping: self.now / 1_000_000)
    let end = try parameters.number("endTs") ?? now
    let start = max(0, end.subtractingReportingOverflow(try parameters.number("lookback") ?? day).partialValue)
    let edges = try reader.dependencies(try Self.window(start, end, unit: 1_000_000)).value
    return Self.envelope(total: 0) { json in
      json.array(edges) { json, edge in
        json.object { json in
          json.field("parent", edge.caller)
          json.field("child", edge.callee)
          json.field("callCount", edge.calls)
        }
      }
    }
  }

  // MARK: Parameters

  /// `start` and `end` in microseconds; without a start, `lookback` behind the end.
  private func window(_ parameters: QueryParameters) throws(QueryError) -> TimeWindow {
    let now = Int64(clamping: self.now / 1000)
    let end = try parameters.number("end") ?? now
    let lookback = parameters["lookback"] == "custom" ? nil : try parameters.duration("lookback")
    let start = try parameters.number("start") ?? end - Int64(min(lookback ?? 1.728e14, 9e18) / 1000)
    return try Self.window(max(0, start), end, unit: 1000)
  }

  /// The window's last unit is part of it.
  private static func window(_ start: Int64, _ end: Int64, unit: Int64) throws(QueryError) -> TimeWindow {
    let limit = Int64.max / unit - 1
    guard let window = TimeWindow(from: min(start, limit) * unit, to: (min(end, limit) + 1) * unit) else {
      throw .invalid("expected a time range whose start is before its end")
    }
    return window
  }

  private func filter(_ parameters: QueryParameters) throws(QueryError) -> TraceFilter {
    var filter = TraceFilter()
    filter.service = parameters["service"]
    filter.name = parameters["operation"]
    filter.durationMin = try parameters.duration("minDuration").map { $0 / 1e6 }
    filter.durationMax = try parameters.duration("maxDuration").map { $0 / 1e6 }
    for text in parameters.all("tag") {
      guard let colon = text.firstIndex(of: ":") else {
        throw .invalid("malformed 'tag', expecting key:value: \(text)")
      }
      filter.add(tag: String(text[..<colon]), String(text[text.index(after: colon)...]))
    }
    for text in parameters.all("tags") where !text.isEmpty { try filter.add(tags: text, of: "tags") }
    return filter
  }

  static func id(_ text: String) throws(QueryError) -> TraceID {
    guard let id = TraceID(text) else { throw .invalid("malformed trace id: \(text)") }
    return id
  }

  /// Jaeger's answer when there is no data.
  static func error(_ status: Int, _ message: String) -> HTTPResponse {
    var json = JSONText()
    json.object { json in
      json.key("data")
      json.null()
      for name in ["total", "limit", "offset"] { json.field(name, Int64(0)) }
      json.field("errors", array: [message]) { json, message in
        json.object { json in
          json.field("code", Int64(status))
          json.field("msg", message)
        }
      }
    }
    return HTTPResponse(status: status, contentType: "application/json", body: json.finish())
  }

  /// Jaeger's answer around its data.
  private static func envelope(total: Int, _ data: (inout JSONText) -> Void) -> Bytes {
    var json = JSONText()
    json.object { json in
      json.key("data")
      data(&json)
      json.field("total", Int64(total))
      json.field("limit", Int64(0))
      json.field("offset", Int64(0))
      json.key("errors")
      json.null()
    }
    return json.finish()
  }
}

extension TraceFilter {
  /// - Parameters:
  ///   - json: an object of tags and their values.
  ///   - name: of the parameter that it comes from.
  mutating func add(tags json: String, of name: String) throws(QueryError) {
    var tags: [(String, String)] = []
    do throws(DecodeError) {
      try FlatJSON.withSpan(attributes: Bytes(json)) { span in
        span.attributes.forEach { tags.append(($0.string, JaegerTrace.text(of: $1))) }
      }
    } catch {
      throw .invalid("malformed '\(name)', expecting a JSON object: \(json)")
    }
    for (key, value) in tags { add(tag: key, value) }
  }

  /// `error` is the span's status there.
  fileprivate mutating func add(tag key: String, _ value: String) {
    if key == "error" {
      isError = value == "true"
    } else {
      attributes.append((key, value))
    }
  }
}

extension QueryParameters {
  fileprivate func number(_ name: String) throws(QueryError) -> Int64? {
    guard let text = self[name] else { return nil }
    guard let number = Int64(text), number >= 0 else { throw .invalid("\(name): expected a number, found \(text)") }
    return number
  }
}
