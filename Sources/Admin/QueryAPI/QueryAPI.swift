// The query API on the administrator's port: questions to the store, answered in JSON.
//
// GET /api/v1/… is otlpd's own; the rest of /api/… is what Jaeger's clients ask for. docs/api.md describes both.
// Everything is read-only.

package import Bytes
package import HTTPServer
package import System
package import TelemetryStore

/// Answers `/api/…` from the files of one store.
package struct QueryAPI: Sendable {
  private let reader: StoreReader?
  private let threads: QueryThreads
  private let clock: any Clock

  /// - Parameter reader: nil when no sink keeps telemetry in files.
  package init(reader: StoreReader?, threads: QueryThreads, clock: any Clock) {
    self.reader = reader
    self.threads = threads
    self.clock = clock
  }

  /// Takes the request when the path is one of the API's; the answer is sent later from a query thread.
  package func handle(_ request: HTTPRequest, _ reply: Reply) -> Bool {
    let path = request.path
    guard path == "/api" || path.hasPrefix("/api/") else { return false }
    guard request.method == .get || request.method == .head else {
      var response = QueryAPI.error(405, "ask with GET")
      response.headers = [HTTPHeader("Allow", "GET, HEAD")]
      reply.send(response)
      return true
    }
    let (query, tag) = (request.query, request.header("If-None-Match"))
    let isTaken = threads.run { reply.send(answer(path: path, query: query, knownTag: tag)) }
    if !isTaken {
      var response = QueryAPI.error(503, "too many queries are waiting")
      response.headers = [HTTPHeader("Retry-After", "1")]
      reply.send(response)
    }
    return true
  }

  /// The whole answer; blocks on the disk.
  package func answer(path: String, query: String, knownTag: String? = nil) -> HTTPResponse {
    guard let reader else {
      return QueryAPI.error(404, "there is nothing to ask: no pipeline has a sqlite exporter")
    }
    let segments = path.split(separator: "/").dropFirst().map { QueryParameters.decoded($0) }
    guard let page = QueryAPI.page(segments, now: clock.wall) else {
      return QueryAPI.error(404, "there is no \(path); docs/api.md lists what there is")
    }
    let failure =
      switch segments.first {
      case "v1": QueryAPI.error
      case "v3": JaegerV3Questions.error
      default: JaegerQuestions.error
      }
    do throws(QueryError) {
      let body = try page(reader, QueryParameters(query))
      guard let body else { return failure(404, "trace not found") }
      return QueryAPI.tagged(body, knownTag)
    } catch {
      return failure(error.status, error.description)
    }
  }

  /// The body of an answer, for who asks without HTTP; nil when what is asked for does not exist. Blocks on the disk.
  ///
  /// - Parameters:
  ///   - path: what stands behind `/api`.
  ///   - now: Unix nanoseconds.
  package static func body(
    _ path: [String], _ parameters: QueryParameters, reader: StoreReader, now: UInt64
  ) throws(QueryError) -> Bytes? {
    try page(path, now: now)?(reader, parameters)
  }

  /// A span as the page of its trace shows it.
  package static func json(of span: StoredSpan) -> Bytes {
    var json = JSONText()
    json.object { json in
      json.field("trace_id", span.traceID)
      json.fields(of: span)
    }
    return json.finish()
  }

  /// A log record as the page of the logs shows it.
  package static func json(of log: StoredLog) -> Bytes {
    var json = JSONText()
    json.object { $0.fields(of: log) }
    return json.finish()
  }

  /// Gives the body of an answer, or nil when what is asked for does not exist.
  typealias Page = (StoreReader, QueryParameters) throws(QueryError) -> Bytes?

  private static func page(_ path: [String], now: UInt64) -> Page? {
    if path.first == "v3" { return JaegerV3Questions().page(Array(path.dropFirst())) }
    guard path.first == "v1" else { return JaegerQuestions(now: now).page(path) }
    let questions = StoreQuestions(now: now)
    switch (path.count, path.dropFirst().first) {
    case (2, "services"): return questions.services
    case (2, "routes"): return questions.routes
    case (2, "requests"): return questions.requests
    case (2, "heatmap"): return questions.heatMap
    case (2, "traces"): return questions.traces
    case (3, "traces"):
      return { (reader, parameters) throws(QueryError) in
        try questions.trace(path[2], reader, parameters)
      }
    case (2, "logs"): return questions.logs
    case (2, "metrics"): return questions.metrics
    case (3, "metrics") where path[2] == "range": return questions.metricRange
    case (2, "dependencies"): return questions.dependencies
    case (2, "findings"): return questions.findings
    default: return nil
    }
  }

  private static func tagged(_ body: Bytes, _ knownTag: String?) -> HTTPResponse {
    // RFC 9110 section 8.8.3: an opaque text in quotes.
    let tag = "\"\(String(body.span.contentHash, radix: 16))\""
    let headers = [HTTPHeader("ETag", tag), HTTPHeader("Cache-Control", "no-cache")]
    if knownTag == tag { return HTTPResponse(status: 304, contentType: "", body: Bytes(), headers: headers) }
    return HTTPResponse(status: 200, contentType: "application/json", body: body, headers: headers)
  }

  private static func error(_ status: Int, _ message: String) -> HTTPResponse {
    var json = JSONText()
    json.object { $0.field("error", message) }
    return HTTPResponse(status: status, contentType: "application/json", body: json.finish())
  }
}

extension QueryError {
  fileprivate var status: Int {
    switch self {
    case .invalid: 400
    case .overdue: 503
    case .unreadable: 500
    }
  }
}
