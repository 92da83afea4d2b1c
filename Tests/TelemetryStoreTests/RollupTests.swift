// Roll-ups, findings and edges: the same as counting the rows themselves.

import Bytes
import Fuzzing
import OTLP
import SQLite
import System
import TelemetryStore
import Testing

@Suite struct RollupTests {
  let fixture = Fixture()

  @Test("The roll-ups are what counting the spans gives, with retries, late spans and restarts", arguments: 0..<5)
  func equalsBruteForce(seed: Int) throws {
    var chance = SplitMix(seed: UInt64(seed))
    var sent: [ExportRequest] = []
    var store = try fixture.openStore()
    for sequence in 1...30 {
      let isRetry = !sent.isEmpty && Int.random(in: 0..<4, using: &chance) == 0
      let request = try isRetry ? sent.randomElement(using: &chance) ?? randomRequest(&chance) : randomRequest(&chance)
      sent.append(request)
      try store.write(signal: .traces, requests: [request], journal: 1, lastSequence: UInt64(sequence))
      guard Int.random(in: 0..<8, using: &chance) == 0 else { continue }
      store.close()
      store = try fixture.openStore()
      // What was acknowledged is skipped when it comes again.
      try store.write(signal: .traces, requests: [request], journal: 1, lastSequence: UInt64(sequence))
    }
    let spans = """
      SELECT CASE WHEN kind IN (2, 5) THEN 'route' WHEN kind = 3 THEN 'statement' ELSE 'operation' END AS category,
        end_time_unix_nano / 60000000000 AS minute, count(*), sum(status_code = 2 OR http_status_code >= 500),
        coalesce(sum(http_status_code BETWEEN 400 AND 499), 0), sum(end_time_unix_nano - start_time_unix_nano),
        max(end_time_unix_nano - start_time_unix_nano)
      FROM span_rows WHERE kind IN (2, 3, 5) OR parent_span_id IS NULL GROUP BY 1, 2 ORDER BY 1, 2
      """
    let rollups = """
      SELECT category, minute, sum(count), sum(errors), sum(client_errors), sum(sum_ns), max(max_ns)
      FROM operation_minutes JOIN operations ON operations.id = operation_id GROUP BY 1, 2 ORDER BY 1, 2
      """
    let expected = try fixture.rows(spans)
    #expect(try fixture.rows(rollups) == expected && expected.count > 3)
    let hours = rollups.replacing("operation_minutes", "operation_hours").replacing("minute", "hour")
    #expect(try fixture.rows(hours) == fixture.rows(spans.replacing("60000000000", "3600000000000")))
    let counted = try fixture.rows("SELECT count, histogram, slowest_trace_id, max_ns FROM operation_minutes")
    for row in counted {
      guard case .integer(let count) = row[0], case .blob(let blob) = row[1], case .integer(let max) = row[3] else {
        Issue.record("a row of another shape")
        continue
      }
      #expect(LatencyHistogram(blob)?.count == UInt64(count))
      let top = LatencyHistogram(blob)?.quantile(1) ?? 0
      #expect(abs(top - Double(max)) <= Double(max) * LatencyHistogramTests.errorMax)
    }
  }

  private func randomRequest(_ chance: inout SplitMix) throws -> ExportRequest {
    let spans = (0..<Int.random(in: 1...6, using: &chance)).map { _ in
      let start = noon + UInt64.random(in: 0..<200, using: &chance) * 1_000_000_000
      return span(
        trace: Int.random(in: 1...3, using: &chance), span: Int.random(in: 1...400, using: &chance),
        parent: Int.random(in: 0...2, using: &chance), kind: Int.random(in: 1...3, using: &chance), start: start,
        duration: UInt64.random(in: 1000..<9_000_000_000, using: &chance),
        attributes: [
          ("http.request.method", "GET"), ("http.route", ["/a", "/b"].randomElement(using: &chance) ?? ""),
          ("http.response.status_code", ["200", "404", "503"].randomElement(using: &chance) ?? ""),
          ("db.statement", "SELECT \(Int.random(in: 0...9, using: &chance))"),
        ])
    }
    return try request("shop", spans)
  }

  @Test(
    "An operation is named after the route, the statement without literals, the host, or the span",
    arguments: [
      (2, [("http.method", "GET"), ("http.route", "/orders/{id}")], "route", "GET /orders/{id}"),
      (2, [("http.request.method", "POST"), ("http.method", "GET"), ("http.route", "/a")], "route", "POST /a"),
      (2, [("http.method", "GET")], "route", "GET (no route)"),
      (5, [("messaging.system", "kafka")], "route", "the span"),
      (3, [("db.system", "postgresql"), ("db.statement", "SELECT 1")], "statement", "SELECT ?"),
      (3, [("db.statement", "SELECT 1"), ("db.query.text", "SELECT a")], "statement", "SELECT a"),
      (3, [("db.system.name", "redis")], "statement", "the span"),
      (3, [("http.request.method", "GET"), ("server.address", "stock")], "host", "stock"),
      (3, [("net.peer.name", "10.0.0.1"), ("peer.service", "stock")], "host", "stock"),
      (4, [], "host", "the span"), (1, [], "operation", "the span"),
    ] as [(Int, [(String, String)], String, String)])
  func namesOperations(kind: Int, attributes: [(String, String)], category: String, name: String) throws {
    let store = try fixture.openStore()
    let spans = [span(kind: kind, attributes: attributes)]
    try store.write(signal: .traces, requests: [request("shop", spans)], journal: 1, lastSequence: 1)
    #expect(
      try fixture.rows("SELECT service_name, category, kind, name FROM operations")
        == [[.text("shop"), .text(category), .integer(Int64(kind)), .text(name)]])
  }

  @Test("A step inside a service is no operation")
  func leavesStepsOut() throws {
    let store = try fixture.openStore()
    let spans = [span(parent: 9, kind: 1)]
    try store.write(signal: .traces, requests: [request("shop", spans)], journal: 1, lastSequence: 1)
    #expect(try fixture.value("SELECT count(*) FROM operations") == .integer(0))
  }

  @Test("A service has at most 500 operations, the rest are (other), also after a restart")
  func boundsOperations() throws {
    var store = try fixture.openStore()
    for part in 0..<2 {
      let spans = (0..<400).map { number in
        let number = part * 400 + number
        return span(trace: number + 1, kind: 2, attributes: [("http.method", "GET"), ("http.route", "/\(number)")])
      }
      try store.write(
        signal: .traces, requests: [request("shop", spans)], journal: 1, lastSequence: UInt64(part + 1))
      store.close()
      store = try fixture.openStore()
    }
    #expect(try fixture.value("SELECT count(*) FROM operations") == .integer(501))
    #expect(
      try fixture.value(
        "SELECT sum(count) FROM operation_hours JOIN operations ON id = operation_id WHERE name = '(other)'")
        == .integer(300))
  }

  @Test("A batch that fails is not counted")
  func countsWithTheRows() throws {
    let store = try fixture.openStore()
    try store.write(signal: .traces, requests: [request("shop", [span(kind: 2)])], journal: 1, lastSequence: 1)
    let other = try Database(path: fixture.directory.path(of: today), mode: .readWrite)
    try other.execute(
      "CREATE TRIGGER t BEFORE INSERT ON operation_hours WHEN new.count > 1 BEGIN SELECT RAISE(ABORT, 'no'); END")
    let second = try request("shop", [span(span: 2, kind: 2)])
    #expect(throws: StoreError.self) {
      try store.write(signal: .traces, requests: [second], journal: 1, lastSequence: 2)
    }
    try other.execute("DROP TRIGGER t")
    try store.write(signal: .traces, requests: [second], journal: 1, lastSequence: 2)
    #expect(try fixture.value("SELECT sum(count) FROM operation_minutes") == .integer(2))
    #expect(try fixture.value("SELECT count(*) FROM span_rows") == .integer(2))
  }
}

/// A span in JSON, one of many of a request.
func span(
  trace: Int = 1, span: Int = 1, parent: Int = 0, name: String = "the span", kind: Int, start: UInt64 = noon,
  duration: UInt64 = 5_000_000, attributes: [(String, String)] = [], more: String = ""
) -> String {
  let list = attributes.map { key, value in
    let value = key.hasSuffix("status_code") ? #"{"intValue":\#(value)}"# : #"{"stringValue":"\#(value)"}"#
    return #"{"key":"\#(key)","value":\#(value)}"#
  }
  return #"""
    {"traceId":"\#(hex(trace, 32))","spanId":"\#(hex(span, 16))",
      "parentSpanId":"\#(parent == 0 ? "" : hex(parent, 16))",
      "name":"\#(name)","kind":\#(kind),"startTimeUnixNano":"\#(start)","endTimeUnixNano":"\#(start + duration)",
      "attributes":[\#(list.joined(separator: ","))]\#(more)}
    """#
}

func request(_ service: String, _ spans: [String]) throws(DecodeError) -> ExportRequest {
  try ExportRequest(
    .traces,
    json: #"""
      {"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"\#(service)"}}]},
        "scopeSpans":[{"spans":[\#(spans.joined(separator: ","))]}]}]}
      """#)
}

extension String {
  fileprivate func replacing(_ text: String, _ other: String) -> String {
    var (result, rest) = ("", self[...])
    while let first = rest.first {
      if rest.hasPrefix(text) {
        result += other
        rest = rest.dropFirst(text.count)
      } else {
        result.append(first)
        rest = rest.dropFirst()
      }
    }
    return result
  }
}
