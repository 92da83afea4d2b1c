// The query API: its pages, its errors, and Jaeger's form of a trace.

import Admin
import Bytes
import Glibc
import HTTPServer
import Logging
import OTLP
import System
import TelemetryStore
import Testing

@Suite struct QueryAPITests {
  static let noon: UInt64 = 1_795_262_400_000_000_000

  /// A store with one trace of two spans and one log record.
  final class Shop {
    let path = "/tmp/otlpd-admin-\(UInt64.random(in: 0 ... .max))"
    let api: QueryAPI

    init() throws {
      let clock = ManualClock(wall: QueryAPITests.noon + 60_000_000_000)
      let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
      let store = TelemetryStore(directory: path, clock: clock, logger: logger)
      try store.open()
      let traces = try ExportRequest(decoding: Bytes(QueryAPITests.traces), as: .json, signal: .traces)
      try store.write(signal: .traces, requests: [traces], journal: 1, lastSequence: 1)
      let logs = try ExportRequest(decoding: Bytes(QueryAPITests.logs), as: .json, signal: .logs)
      try store.write(signal: .logs, requests: [logs], journal: 1, lastSequence: 2)
      store.close()
      api = QueryAPI(reader: StoreReader(directory: path), threads: QueryThreads(), clock: clock)
    }

    /// Adds requests of traces to the store.
    func store(_ requests: [ExportRequest]) throws {
      let store = TelemetryStore(
        directory: path, clock: ManualClock(wall: QueryAPITests.noon),
        logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
      try store.open()
      try store.write(signal: .traces, requests: requests, journal: 1, lastSequence: 3)
      store.close()
    }

    deinit {
      let directory = Directory(path: path)
      for name in (try? directory.entries()) ?? [] { try? directory.remove(name) }
      _ = unsafe rmdir(path)
    }

    func get(_ target: String, tag: String? = nil) -> HTTPResponse {
      let parts = target.split(separator: "?", maxSplits: 1)
      return api.answer(path: String(parts[0]), query: parts.count > 1 ? String(parts[1]) : "", knownTag: tag)
    }
  }

  static let traces = #"""
    {"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"shop"}},
        {"key":"host.name","value":{"stringValue":"node-1"}}]},
      "scopeSpans":[{"scope":{"name":"fastapi","version":"1.0"},"spans":[
        {"traceId":"000000000000000000000000000000ab","spanId":"0000000000000001","name":"GET /orders","kind":2,
         "startTimeUnixNano":"\#(noon)","endTimeUnixNano":"\#(noon + 250_000_000)","flags":257,
         "attributes":[{"key":"http.request.method","value":{"stringValue":"GET"}},
           {"key":"http.route","value":{"stringValue":"/orders"}},
           {"key":"http.response.status_code","value":{"intValue":"500"}},
           {"key":"ratio","value":{"doubleValue":0.5}},{"key":"cached","value":{"boolValue":true}},
           {"key":"tags","value":{"arrayValue":{"values":[{"stringValue":"a"},{"intValue":"1"}]}}}],
         "status":{"code":2,"message":"no \"stock\""},
         "events":[{"timeUnixNano":"\#(noon + 5000)","name":"exception",
           "attributes":[{"key":"exception.type","value":{"stringValue":"KeyError"}}]}]},
        {"traceId":"000000000000000000000000000000ab","spanId":"0000000000000002","parentSpanId":"0000000000000001",
         "name":"work","kind":1,"startTimeUnixNano":"\#(noon + 1000)","endTimeUnixNano":"\#(noon + 3000)",
         "links":[{"traceId":"000000000000000000000000000000cd","spanId":"0000000000000009"}]}]}]}]}
    """#

  static let logs = #"""
    {"resourceLogs":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"shop"}}]},
      "scopeLogs":[{"logRecords":[{"timeUnixNano":"\#(noon)","severityNumber":17,"severityText":"ERROR",
        "body":{"stringValue":"no stock"},"traceId":"000000000000000000000000000000ab"}]}]}]}
    """#

  @Test(
    "Every page answers JSON with what was stored",
    arguments: [
      ("/api/v1/services", #"{"services":[{"name":"shop","versions":[],"last_seen":1795262400"#),
      ("/api/v1/routes?since=1h", #""service":"shop","category":"route","name":"GET /orders""#),
      ("/api/v1/routes?since=1h", #""requests":1,"errors":1,"client_errors":0,"error_share":1.0,"p50_ms":"#),
      ("/api/v1/requests?since=1h&service=shop", #""points":[{"time":1795262400,"requests":1"#),
      ("/api/v1/heatmap?since=1h", #""cells":[[1795262400,35,1]]"#),
      ("/api/v1/traces?error=true&min=200ms&status=5xx", #""trace_id":"000000000000000000000000000000ab""#),
      ("/api/v1/traces?attr=ratio%3D0.5&attr=cached=true&q=orders", #""spans":2,"errors":1,"services":["shop"]"#),
      ("/api/v1/traces?max=200ms", #"{"traces":[],"next":null"#),
      ("/api/v1/traces/ab", #""attributes":{"http.request.method":"GET","http.route":"/orders""#),
      ("/api/v1/logs?q=stock&severity_min=17", #""body":"no stock","trace_id":"000000000000000000000000000000ab""#),
      ("/api/v1/logs?service=stock", #"{"logs":[]"#),
      ("/api/v1/metrics", #"{"metrics":[]"#),
      ("/api/v1/metrics/range?name=x", #""lines":[]"#),
      ("/api/v1/dependencies", #"{"dependencies":[]"#),
      ("/api/v1/findings", #"{"findings":[]"#),
      ("/api/v1/services?from=1795262000&to=now", #""skipped_files":[]"#),
    ])
  func pages(target: String, part: String) throws {
    let answer = try Shop().get(target)
    #expect(answer.status == 200 && answer.contentType == "application/json")
    #expect(answer.body.text.contains(part), "\(answer.body.text)")
  }

  @Test(
    "A wrong question is refused with what was expected",
    arguments: [
      ("/api/v1/routes?since=yesterday", 400, "since: expected a duration"),
      ("/api/v1/routes?sevice=shop", 400, "there is no parameter sevice here; there are since"),
      ("/api/v1/traces?limit=0", 400, "limit: expected a number from 1 to 1000"),
      ("/api/v1/traces?before=x", 400, "before: expected"), ("/api/v1/traces?attr=x", 400, "attr: expected KEY=VALUE"),
      ("/api/v1/traces?from=5&to=4", 400, "time range"), ("/api/v1/traces?error=yes", 400, "error: expected true"),
      ("/api/v1/traces/xyz", 400, "a trace id has"), ("/api/v1/traces/1234", 404, #"{"error":"trace not found"}"#),
      ("/api/v1/metrics/range", 400, "which metric"), ("/api/v1/nothing", 404, "docs/api.md"),
      ("/api/traces", 400, "parameter 'service' is required"),
      (
        "/api/traces/1234", 404,
        #"{"data":null,"total":0,"limit":0,"offset":0,"errors":[{"code":404,"msg":"trace not found"}]}"#
      ),
    ])
  func mistakes(target: String, status: Int, message: String) throws {
    let answer = try Shop().get(target)
    #expect(answer.status == status)
    #expect(answer.body.text.contains(message), "\(answer.body.text)")
  }

  @Test("An answer that the client has already is not sent again")
  func tags() throws {
    let shop = try Shop()
    let tag = try #require(shop.get("/api/v1/traces").headers.first { $0.name == "ETag" }?.value)
    #expect(shop.get("/api/v1/traces", tag: tag).status == 304)
    #expect(shop.get("/api/v1/traces", tag: "\"0\"").status == 200)
  }

  @Test("Without a store there is an answer that says why")
  func noStore() {
    let api = QueryAPI(reader: nil, threads: QueryThreads(), clock: ManualClock())
    #expect(api.answer(path: "/api/v1/services", query: "").status == 404)
  }

  @Test("Requests are answered from a query thread; other paths and methods are not taken")
  func threads() throws {
    let threads = QueryThreads()
    let shop = try Shop()
    let api = QueryAPI(reader: StoreReader(directory: shop.path), threads: threads, clock: SystemClock())
    let answers = Lock<[Int]>([])
    let reply = Reply { response in
      answers.withLock { $0.append(response.status) }
      answers.wakeAll()
    }
    #expect(try !api.handle(HTTPRequest(method: "GET", target: "/apis"), reply))
    #expect(try api.handle(HTTPRequest(method: "POST", target: "/api/v1/services"), reply))
    #expect(answers.withLock { $0 } == [405])
    for _ in 0..<QueryThreads.waitingMax {
      #expect(try api.handle(HTTPRequest(method: "GET", target: "/api/v1/services"), reply))
    }
    #expect(try api.handle(HTTPRequest(method: "GET", target: "/api/v1/services"), reply))
    #expect(answers.withLock { $0 } == [405, 503])
    try threads.start()
    _ = answers.wait(until: nil) { $0.count == QueryThreads.waitingMax + 2 ? true : nil }
    threads.stop()
    #expect(answers.withLock { $0.filter { $0 == 200 }.count } == QueryThreads.waitingMax)
    #expect(!threads.run {})
  }

  @Test(
    "Jaeger's pages are as Jaeger's clients read them",
    arguments: [
      ("/api/services", #"{"data":["shop"],"total":1,"limit":0,"offset":0,"errors":null}"#),
      ("/api/services/shop/operations", #"{"data":["GET /orders"],"total":1,"limit":0,"offset":0,"errors":null}"#),
      (
        "/api/operations?service=shop&spanKind=server",
        #"{"data":[{"name":"GET /orders","spanKind":"server"}],"total":1,"limit":0,"offset":0,"errors":null}"#
      ),
      ("/api/operations?service=shop&spanKind=client", #"{"data":[],"total":0,"limit":0,"offset":0,"errors":null}"#),
      (
        "/api/dependencies?endTs=1795262400000&lookback=1000",
        #"{"data":[],"total":0,"limit":0,"offset":0,"errors":null}"#
      ),
      ("/api/traces/ab", #"{"data":[\#(jaeger)],"total":0,"limit":0,"offset":0,"errors":null}"#),
      (
        "/api/traces?service=shop&operation=GET%20/orders&tags=%7B%22error%22%3A%22true%22%7D&minDuration=9ms&limit=5",
        #"{"data":[\#(jaeger)],"total":0,"limit":0,"offset":0,"errors":null}"#
      ),
      (
        "/api/traces?service=shop&tag=ratio:0.5&start=1795262400000000&end=1795262400000000",
        #"{"data":[\#(jaeger)],"total":0,"limit":0,"offset":0,"errors":null}"#
      ),
      (
        "/api/traces?service=shop&tags=%7B%22error%22%3A%22false%22%7D",
        #"{"data":[],"total":0,"limit":0,"offset":0,"errors":null}"#
      ),
    ])
  func jaegerPages(target: String, body: String) throws {
    let answer = try Shop().get(target)
    #expect(answer.status == 200)
    #expect(answer.body.text == body)
  }

  static let jaeger =
    #"{"traceID":"000000000000000000000000000000ab","spans":["#
    + #"{"traceID":"000000000000000000000000000000ab","spanID":"0000000000000001","flags":1,"#
    + #""operationName":"GET /orders","references":[],"startTime":1795262400000000,"duration":250000,"tags":["#
    + #"{"key":"http.request.method","type":"string","value":"GET"},"#
    + #"{"key":"http.route","type":"string","value":"/orders"},"#
    + #"{"key":"http.response.status_code","type":"int64","value":500},"#
    + #"{"key":"ratio","type":"float64","value":0.5},{"key":"cached","type":"bool","value":true},"#
    + #"{"key":"tags","type":"string","value":"[\"a\",1]"},"#
    + #"{"key":"otel.scope.name","type":"string","value":"fastapi"},"#
    + #"{"key":"otel.scope.version","type":"string","value":"1.0"},"#
    + #"{"key":"span.kind","type":"string","value":"server"},{"key":"error","type":"bool","value":true},"#
    + #"{"key":"otel.status_code","type":"string","value":"ERROR"},"#
    + #"{"key":"otel.status_description","type":"string","value":"no \"stock\""}],"#
    + #""logs":[{"timestamp":1795262400000005,"fields":[{"key":"event","type":"string","value":"exception"},"#
    + #"{"key":"exception.type","type":"string","value":"KeyError"}]}],"processID":"p1","warnings":null},"#
    + #"{"traceID":"000000000000000000000000000000ab","spanID":"0000000000000002","flags":0,"operationName":"work","#
    + #""references":[{"refType":"CHILD_OF","traceID":"000000000000000000000000000000ab","spanID":"0000000000000001"},"#
    + #"{"refType":"FOLLOWS_FROM","traceID":"000000000000000000000000000000cd","spanID":"0000000000000009"}],"#
    + #""startTime":1795262400000001,"duration":2,"tags":[{"key":"otel.scope.name","type":"string","value":"fastapi"},"#
    + #"{"key":"otel.scope.version","type":"string","value":"1.0"},"#
    + #"{"key":"span.kind","type":"string","value":"internal"}],"logs":[],"processID":"p1","warnings":null}],"#
    + #""processes":{"p1":{"serviceName":"shop","tags":[{"key":"host.name","type":"string","value":"node-1"}]}},"#
    + #""warnings":null}"#
}
