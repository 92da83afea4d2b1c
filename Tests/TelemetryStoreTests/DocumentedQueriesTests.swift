// The queries of docs/store.md, run against a small shop's telemetry.

import Bytes
import Glibc
import OTLP
import SQLite
import System
import TelemetryStore
import Testing

@Suite struct DocumentedQueriesTests {
  /// What the first rows of each query must be; every query of the document is here, and none else.
  static let expected: [String: [[SQLiteValue]]] = [
    "Services": [[.text("shop"), .integer(33), .integer(1), .text("2026-11-21 12:00:09.001")]],
    "Latency percentiles per route": [
      [.text("/orders"), .integer(10), .real(50), .real(100), .real(100)],
      [.text("/stock/{id}"), .integer(10), .real(2), .real(2), .real(2)],
    ],
    "Requests and errors per minute": [
      [.text("2026-11-21 12:00"), .text("GET"), .text("/orders"), .integer(10), .integer(1)]
    ],
    "Newest errors": [
      [
        .text("2026-11-21 12:00:09.000"), .text("shop"), .text("GET /orders"), .integer(500), .text("no stock"),
        .text(hex(10, 32)),
      ]
    ],
    "Exceptions": [[.text("shop"), .text("KeyError"), .integer(1), .text("'sku'")]],
    "Slowest traces": [
      [.text("2026-11-21 12:00:09.000"), .text("shop"), .text("GET /orders"), .real(100), .text(hex(10, 32))]
    ],
    "The spans of a trace as a tree": [
      [.text("GET /orders"), .text("shop"), .text("server"), .real(10)],
      [.text("  GET"), .text("shop"), .text("client"), .real(4)],
      [.text("    GET /stock/{id}"), .text("stock"), .text("server"), .real(2)],
      [.text("  SELECT items"), .text("shop"), .text("client"), .real(1)],
    ],
    "Repeated queries in one request (N+1)": [
      [.text(hex(1, 32)), .text(hex(0x100, 16)), .text("SELECT items"), .integer(12), .real(12)]
    ],
    "Calls between services": [[.text("shop"), .text("stock"), .integer(10), .real(2)]],
    "Spans by an attribute": [[.text("2026-11-21 12:00:06.000"), .text("GET /orders"), .text("u-7")]],
    "Which attributes there are": [[.text("http.method"), .integer(10), .text("GET")]],
    "Log search": [
      [.text("2026-11-21 12:00:01.500"), .text("shop"), .text("WARN"), .text("low stock of 'sku'"), .text(hex(1, 32))]
    ],
    "The logs of a trace": [
      [.text("2026-11-21 12:00:01.500"), .text("shop"), .text("WARN"), .text("low stock of 'sku'")]
    ],
    "Structured log bodies": [[.integer(17), .real(9.5)]],
    "Metrics and their series": [
      [.text("http.requests"), .text("sum"), .text("{request}"), .integer(1), .text(#"{"http.route":"/orders"}"#)]
    ],
    "One metric over time": [[.text("2026-11-21 12:00:00.000"), .text("free"), .integer(64)]],
    "The rate of a counter": [
      [.text("2026-11-21 12:00:00.000"), .null, .null],
      [.text("2026-11-21 12:00:10.000"), .integer(50), .real(5)],
    ],
    "A histogram's buckets": [
      [.text("2026-11-21 12:00:00.000"), .real(0.1), .integer(3)],
      [.text("2026-11-21 12:00:00.000"), .real(1), .integer(2)],
      [.text("2026-11-21 12:00:00.000"), .null, .integer(1)],
    ],
    "Where telemetry comes from": [[.text("shop"), .text("node-1"), .text("1.4.0")]],
    "What a file covers": [
      [.text("logs"), .integer(2), .text("2026-11-21 12:00:01"), .text("2026-11-21 12:00:02")],
      [.text("points"), .integer(4), .text("2026-11-21 12:00:00"), .text("2026-11-21 12:00:10")],
      [.text("spans"), .integer(43), .text("2026-11-21 12:00:00"), .text("2026-11-21 12:00:09")],
    ],
  ]

  @Test("Every documented query gives what it says")
  func runsDocumentedQueries() throws {
    let fixture = Fixture()
    let store = try fixture.openStore()
    for (sequence, request) in try Shop.requests().enumerated() {
      try store.write(
        signal: request.signal, requests: [request], journal: 1, lastSequence: UInt64(sequence + 1))
    }
    store.close()
    let queries = documentedQueries()
    #expect(Set(queries.map(\.title)) == Set(Self.expected.keys))
    let database = try fixture.database()
    for query in queries {
      let expected = try #require(Self.expected[query.title])
      let rows = try database.rows(query.sql)
      #expect(numbers(Array(rows.prefix(expected.count))) == numbers(expected), "\(query.title)")
    }
  }

  /// Whole numbers of a generated REAL column come as INTEGER from some query plans: 10 and 10.0 are one.
  private func numbers(_ rows: [[SQLiteValue]]) -> [[SQLiteValue]] {
    rows.map { row in row.map { value in value.integer.map { .real(Double($0)) } ?? value } }
  }

  /// The titles and the SQL of the document's queries.
  private func documentedQueries() -> [(title: String, sql: String)] {
    let root = #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(3).joined(separator: "/")
    var queries: [(title: String, sql: String)] = []
    var title = ""
    var sql: [Substring]?
    for line in readFile(root + "/docs/store.md").split(separator: "\n", omittingEmptySubsequences: false) {
      if line.hasPrefix("### ") { title = String(line.dropFirst(4)) }
      if line == "```sql" {
        sql = []
      } else if line == "```", let lines = sql {
        queries.append((title, lines.joined(separator: "\n")))
        sql = nil
      } else {
        sql?.append(line)
      }
    }
    return queries
  }

  private func readFile(_ path: String) -> String {
    let descriptor = unsafe open(path, O_RDONLY)
    defer { close(descriptor) }
    var text: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 65_536)
    while case let count = unsafe read(descriptor, &chunk, chunk.count), count > 0 { text += chunk[..<count] }
    return String(decoding: text, as: UTF8.self)
  }
}

/// A shop that asks a stock service: ten requests, each slower than the one before.
enum Shop {
  static func requests() throws -> [ExportRequest] {
    [
      try ExportRequest(.traces, json: spans("shop", (0..<10).map(shopSpans).joined(separator: ","))),
      try ExportRequest(.traces, json: spans("stock", (0..<10).map(stockSpan).joined(separator: ","))),
      try ExportRequest(.logs, json: logs),
      try ExportRequest(.metrics, json: metrics),
    ]
  }

  private static func resource(_ service: String) -> String {
    let attributes = [
      text("service.name", service), text("host.name", "node-1"), text("service.version", "1.4.0"),
    ]
    return #"{"attributes":[\#(attributes.joined(separator: ","))]}"#
  }

  private static func spans(_ service: String, _ spans: String) -> String {
    #"""
    {"resourceSpans":[{"resource":\#(resource(service)),"scopeSpans":[{"scope":{"name":"test"},"spans":[\#(spans)]}]}]}
    """#
  }

  private static func text(_ key: String, _ value: String) -> String {
    #"{"key":"\#(key)","value":{"stringValue":"\#(value)"}}"#
  }

  private static func number(_ key: String, _ value: Int) -> String {
    #"{"key":"\#(key)","value":{"intValue":\#(value)}}"#
  }

  /// - Parameters: times in milliseconds, the start behind that of the request.
  private static func span(
    _ request: Int, _ id: Int, parent: Int, _ name: String, kind: Int, start: Int, _ duration: Int, _ more: String = ""
  ) -> String {
    let begin = noon + UInt64(request * 1000 + start) * 1_000_000
    let parentID = parent == 0 ? "" : #""parentSpanId":"\#(hex(parent, 16))","#
    return #"""
      {"traceId":"\#(hex(request + 1, 32))","spanId":"\#(hex(id, 16))",\#(parentID)"name":"\#(name)","kind":\#(kind),
      "startTimeUnixNano":"\#(begin)","endTimeUnixNano":"\#(begin + UInt64(duration) * 1_000_000)"\#(more)}
      """#
  }

  private static func shopSpans(_ request: Int) -> String {
    let root = (request + 1) * 0x100
    let isFailed = request == 9
    let attributes = [
      text("http.request.method", "GET"), text("http.route", "/orders"), text("user.id", "u-\(request + 1)"),
      number("http.response.status_code", isFailed ? 500 : 200),
    ].joined(separator: ",")
    let failure =
      #","status":{"code":2,"message":"no stock"},"events":[{"name":"exception","attributes":["#
      + text("exception.type", "KeyError") + "," + text("exception.message", "'sku'") + "]}]"
    var spans = [
      span(
        request, root, parent: 0, "GET /orders", kind: 2, start: 0, (request + 1) * 10,
        #","attributes":[\#(attributes)]\#(isFailed ? failure : "")"#),
      span(request, root + 1, parent: root, "GET", kind: 3, start: 1, 4),
    ]
    guard request == 0 else { return spans.joined(separator: ",") }
    // The first request asks the database once per item; one query more is that of another place in the code.
    for item in 0..<12 { spans.append(span(0, root + 0x10 + item, parent: root, "SELECT items", kind: 3, start: 6, 1)) }
    spans.append(span(0, root + 0x20, parent: root, "SELECT users", kind: 3, start: 8, 1))
    return spans.joined(separator: ",")
  }

  private static func stockSpan(_ request: Int) -> String {
    let root = (request + 1) * 0x100
    let attributes = [
      text("http.method", "GET"), text("http.route", "/stock/{id}"), number("http.status_code", 200),
    ].joined(separator: ",")
    return span(
      request, root + 2, parent: root + 1, "GET /stock/{id}", kind: 2, start: 2, 2, #","attributes":[\#(attributes)]"#)
  }

  private static let logs = #"""
    {"resourceLogs":[{"resource":\#(resource("shop")),"scopeLogs":[{"logRecords":[
      {"timeUnixNano":"\#(noon + 1_500_000_000)","severityNumber":13,"severityText":"WARN","traceId":"\#(hex(1, 32))",
        "body":{"stringValue":"low stock of 'sku'"}},
      {"timeUnixNano":"\#(noon + 2_000_000_000)","severityNumber":9,"severityText":"INFO",
        "body":{"kvlistValue":{"values":[
          {"key":"order","value":{"intValue":17}},{"key":"total","value":{"doubleValue":9.5}}]}}}]}]}]}
    """#

  private static let metrics = #"""
    {"resourceMetrics":[{"resource":\#(resource("shop")),"scopeMetrics":[{"metrics":[
      {"name":"process.memory.usage","unit":"By","gauge":{"dataPoints":[
        {"timeUnixNano":"\#(noon)","asInt":"64","attributes":[\#(text("state", "free"))]}]}},
      {"name":"http.requests","unit":"{request}","sum":{"aggregationTemporality":2,"isMonotonic":true,"dataPoints":[
        {"timeUnixNano":"\#(noon)","asInt":"100","attributes":[\#(text("http.route", "/orders"))]},
        {"timeUnixNano":"\#(noon + 10_000_000_000)","asInt":"150","attributes":[\#(text("http.route", "/orders"))]}]}},
      {"name":"http.server.request.duration","unit":"s","histogram":{"aggregationTemporality":1,"dataPoints":[
        {"timeUnixNano":"\#(noon)","count":"6","sum":2.5,"bucketCounts":["3","2","1"],"explicitBounds":[0.1,1]}]}}]}]}]}
    """#
}
