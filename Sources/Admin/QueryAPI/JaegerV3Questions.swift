// The third version of Jaeger's query API: the same questions, and traces in OTLP's own JSON.

internal import Bytes
internal import HTTPServer
internal import OTLP
internal import System
internal import TelemetryStore

/// Answers `/api/v3/services`, `/api/v3/operations`, `/api/v3/traces` and `/api/v3/traces/{id}`.
struct JaegerV3Questions: Sendable {
  private static let depthDefault = 100
  /// Each is sent whole.
  private static let depthMax = 200

  /// - Parameter path: behind `v3`.
  func page(_ path: [String]) -> QueryAPI.Page? {
    switch (path.count, path.first) {
    case (1, "services"): services
    case (1, "operations"): operations
    case (1, "traces"): traces
    case (2, "traces"):
      { (reader, parameters) throws(QueryError) in
        try Self.result([try reader.trace(try JaegerQuestions.id(path[1])).value])
      }
    default: nil
    }
  }

  private func services(_ reader: StoreReader, _ parameters: QueryParameters) throws(QueryError) -> Bytes? {
    let names = try reader.serviceNames().value
    return Self.object { json in json.field("services", array: names) { $0.value($1) } }
  }

  private func operations(_ reader: StoreReader, _ parameters: QueryParameters) throws(QueryError) -> Bytes? {
    guard let service = parameters["service"] else { throw .invalid("parameter 'service' is required") }
    let kind = parameters["spanKind"] ?? parameters["span_kind"]
    let operations = try reader.operationNames(of: service).value.filter {
      kind == nil || JaegerTrace.kindName($0.kind) == kind
    }
    return Self.object { json in
      json.field("operations", array: operations) { json, operation in
        json.object { json in
          json.field("name", operation.name)
          json.field("spanKind", JaegerTrace.kindName(operation.kind) ?? "")
        }
      }
    }
  }

  private func traces(_ reader: StoreReader, _ parameters: QueryParameters) throws(QueryError) -> Bytes? {
    guard let start = try parameters.queryTime("startTimeMin", "start_time_min"),
      let end = try parameters.queryTime("startTimeMax", "start_time_max")
    else { throw .invalid("query.startTimeMin and query.startTimeMax are required") }
    guard let window = TimeWindow(from: start, to: end) else {
      throw .invalid("expected a time range whose start is before its end")
    }
    var filter = TraceFilter()
    filter.service = parameters.query("serviceName", "service_name")?.value
    filter.name = parameters.query("operationName", "operation_name")?.value
    filter.durationMin = try parameters.queryDuration("durationMin", "duration_min")
    filter.durationMax = try parameters.queryDuration("durationMax", "duration_max")
    if let attributes = parameters.query("attributes", "attributes") {
      try filter.add(tags: attributes.value, of: attributes.name)
    }
    var depth = Self.depthDefault
    if let name = parameters.query("searchDepth", "search_depth")?.name {
      depth = try parameters.integer(name, default: depth, in: 1...1_000_000)
    }
    let found = try reader.traces(window, filter, limit: min(depth, Self.depthMax)).value.traces
    return try Self.result(try reader.traces(found.compactMap { TraceID($0.traceID) }).value)
  }

  private static func result(_ traces: [StoredTrace]) throws(QueryError) -> Bytes? {
    let spans = traces.flatMap(\.spans)
    if spans.isEmpty { return nil }
    return object { json in
      json.field("result", object: { json in OTLPTraces.write(spans, to: &json) })
    }
  }

  private static func object(_ body: (inout JSONText) -> Void) -> Bytes {
    var json = JSONText()
    json.object(body)
    return json.finish()
  }

  /// Jaeger's answer when there is no data.
  static func error(_ status: Int, _ message: String) -> HTTPResponse {
    let body = object { json in
      json.field(
        "error",
        object: { json in
          json.field("httpCode", Int64(status))
          json.field("message", status == 404 ? "No traces found" : message)
        })
    }
    return HTTPResponse(status: status, contentType: "application/json", body: body)
  }
}

extension QueryParameters {
  /// A parameter of the search by its name in JSON or in protobuf, with the name that was used.
  fileprivate func query(_ name: String, _ older: String) -> (name: String, value: String)? {
    for name in ["query.\(name)", "query.\(older)"] {
      if let value = self[name] { return (name, value) }
    }
    return nil
  }

  /// Unix nanoseconds.
  fileprivate func queryTime(_ name: String, _ older: String) throws(QueryError) -> Int64? {
    guard let (name, text) = query(name, older) else { return nil }
    guard let time = UTCTime.unixNanoseconds(rfc3339: text) else {
      throw .invalid("\(name): expected a time like 2026-11-21T12:00:00Z, found \(text)")
    }
    return time
  }

  /// Milliseconds.
  fileprivate func queryDuration(_ name: String, _ older: String) throws(QueryError) -> Double? {
    guard let (name, _) = query(name, older) else { return nil }
    return try duration(name).map { $0 / 1e6 }
  }
}
