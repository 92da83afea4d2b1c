// Route tables, charts and heat maps: the same as counting the spans, over several files.

import Bytes
import Fuzzing
import OTLP
import SQLite
import System
import TelemetryStore
import Testing

/// One request of the generated shop.
struct Visit {
  let trace: Int
  let start: UInt64
  let duration: UInt64
  let route: String
  let status: Int
  let user: Int

  var isError: Bool { status >= 500 }
  var durationMilliseconds: Double { Double(duration) / 1e6 }

  var span: String {
    OTLPSpan.text(
      trace: trace, span: trace * 8, name: "GET \(route)", kind: 2, start: start, duration: duration,
      attributes: [
        ("http.request.method", "GET"), ("http.route", route), ("http.response.status_code", "\(status)"),
        ("user.id", "u-\(user)"),
      ], more: isError ? #","status":{"code":2,"message":"no stock"}"# : "")
  }
}

enum OTLPSpan {
  static func text(
    trace: Int, span id: Int, parent: Int = 0, name: String, kind: Int, start: UInt64, duration: UInt64,
    attributes: [(String, String)], more: String = ""
  ) -> String {
    span(
      trace: trace, span: id, parent: parent, name: name, kind: kind, start: start, duration: duration,
      attributes: attributes, more: more)
  }
}

/// A store of two days with generated requests, half of them before midnight.
struct VisitedShop {
  let fixture = Fixture()
  let visits: [Visit]
  let reader: StoreReader
  static let hour: UInt64 = 3_600_000_000_000
  static let midnight = noon + 12 * hour

  init(seed: UInt64, count: Int = 400, within hours: UInt64 = 4) throws {
    var chance = SplitMix(seed: seed)
    let begin = Self.midnight - hours * Self.hour / 2
    visits = (1...count).map { trace in
      Visit(
        trace: trace, start: begin + UInt64.random(in: 0..<(hours * Self.hour / 1_000_000), using: &chance) * 1_000_000,
        duration: UInt64.random(in: 2_000...3_000_000_000, using: &chance),
        route: ["/a", "/b", "/c/{id}"].randomElement(using: &chance) ?? "",
        status: [200, 200, 200, 404, 500].randomElement(using: &chance) ?? 200,
        user: Int.random(in: 0..<9, using: &chance))
    }
    let store = try fixture.openStore()
    for (sequence, half) in [visits.filter { $0.start < Self.midnight }, visits.filter { $0.start >= Self.midnight }]
      .enumerated()
    {
      for (offset, service) in ["shop", "stock"].enumerated() {
        let mine = half.filter { $0.trace % 2 == offset }
        try store.write(
          signal: .traces, requests: [request(service, mine.map(\.span))], journal: 1,
          lastSequence: UInt64(sequence * 2 + offset + 1))
      }
      fixture.clock.advance(by: .seconds(12 * 3600))
    }
    store.close()
    reader = StoreReader(directory: fixture.temporary.path)
  }

  var window: TimeWindow {
    get throws {
      try #require(TimeWindow(from: Int64(Self.midnight - 2 * Self.hour), to: Int64(Self.midnight + 2 * Self.hour)))
    }
  }

  func service(of visit: Visit) -> String { visit.trace % 2 == 0 ? "shop" : "stock" }
}

@Suite struct OperationQueryTests {
  @Test("The route table is what counting the spans of both files gives", arguments: [4, 30] as [UInt64])
  func routes(hours: UInt64) throws {
    let shop = try VisitedShop(seed: hours, within: 4)
    let length = Int64(hours * VisitedShop.hour / 2)
    let window = try #require(
      TimeWindow(from: Int64(VisitedShop.midnight) - length, to: Int64(VisitedShop.midnight) + length))
    let answer = try shop.reader.operations(window)
    #expect(answer.skipped.isEmpty)
    #expect(answer.value.rows.count == 6)
    let ended = shop.visits.filter { Int64($0.start + $0.duration) < answer.value.window.to }
    let all = ended.reduce(0.0) { $0 + Double($1.duration) }
    for row in answer.value.rows {
      let mine = ended.filter {
        shop.service(of: $0) == row.operation.service && "GET \($0.route)" == row.operation.name
      }
      let statistics = row.statistics
      #expect(statistics.requests == mine.count)
      #expect(statistics.errors == mine.filter(\.isError).count)
      #expect(statistics.clientErrors == mine.filter { $0.status == 404 }.count)
      #expect(statistics.longest == mine.map { Int64($0.duration) }.max())
      #expect(statistics.total == mine.reduce(0) { $0 + Int64($1.duration) })
      #expect(abs(row.timeShare - Double(statistics.total) / all) < 1e-9)
      #expect(abs(row.requestsPerSecond - Double(mine.count) / answer.value.window.seconds) < 1e-9)
      let sorted = mine.map(\.duration).sorted()
      for share in [0.5, 0.75, 0.9, 0.95, 0.99] {
        let exact = Double(sorted[max(0, Int((share * Double(sorted.count)).rounded(.up)) - 1)])
        let found = try #require(statistics.percentile(share))
        #expect(abs(found - exact) <= exact * 0.0109, "\(share)")
      }
    }
    let totals = answer.value.rows.map(\.statistics.total)
    #expect(totals == totals.sorted(by: >))
  }

  @Test("A chart has at most 240 points and every request once; so has a heat map")
  func charts() throws {
    let shop = try VisitedShop(seed: 7)
    let chart = try shop.reader.chart(shop.window, OperationFilter(service: "shop", category: "route", name: "GET /a"))
    let ended = shop.visits.filter { Int64($0.start + $0.duration) < chart.value.window.to }
    let mine = ended.filter { shop.service(of: $0) == "shop" && $0.route == "/a" }
    #expect(chart.value.points.count <= 240)
    #expect(chart.value.points.reduce(0) { $0 + $1.statistics.requests } == Int64(mine.count))
    for point in chart.value.points {
      let inside = mine.filter {
        let end = Int64($0.start + $0.duration)
        return end >= point.time && end < point.time + chart.value.step
      }
      #expect(point.statistics.requests == Int64(inside.count))
      #expect(point.statistics.errors == Int64(inside.filter(\.isError).count))
    }
    let map = try shop.reader.heatMap(shop.window, OperationFilter(category: "route"))
    #expect(map.value.cells.reduce(0) { $0 + $1.count } == UInt64(ended.count))
    #expect(map.value.cells.allSatisfy { $0.row >= 0 && $0.row < 64 })
  }

  @Test("Services are listed with what they answered, and those that only log are there too")
  func services() throws {
    let shop = try VisitedShop(seed: 3)
    let store = try shop.fixture.openStore()
    try store.write(signal: .logs, requests: [.log("hello")], journal: 1, lastSequence: 1)
    store.close()
    let rows = try shop.reader.services(shop.window).value
    #expect(Set(rows.map(\.name)) == ["shop", "stock", nil])
    let ended = shop.visits.filter { $0.start + $0.duration < VisitedShop.midnight + 2 * VisitedShop.hour }
    #expect(rows.reduce(0) { $0 + ($1.statistics?.requests ?? 0) } == Int64(ended.count))
    #expect(rows.last?.statistics == nil)
  }

  @Test("Calls between services and findings come from all files")
  func dependenciesAndFindings() throws {
    let fixture = Fixture()
    let store = try fixture.openStore()
    let statements = (0..<6).map { index in
      span(
        trace: 1, span: 10 + index, parent: 1, name: "SELECT", kind: 3, start: noon + UInt64(index) * 20_000_000,
        duration: 10_000_000, attributes: [("db.system", "postgresql"), ("db.statement", "SELECT \(index)")])
    }
    let caller = span(trace: 1, span: 1, name: "GET /orders", kind: 2, duration: 200_000_000)
    let callee = span(trace: 1, span: 2, parent: 1, name: "GET /stock", kind: 2)
    try store.write(signal: .traces, requests: [request("shop", [caller] + statements)], journal: 1, lastSequence: 1)
    try store.write(signal: .traces, requests: [request("stock", [callee])], journal: 1, lastSequence: 2)
    // The next day closes the file, and closing counts the calls that are left.
    fixture.clock.advance(by: .seconds(86_400))
    try store.write(signal: .traces, requests: [.span(trace: 9)], journal: 1, lastSequence: 3)
    let reader = StoreReader(directory: fixture.temporary.path)
    let window = try #require(TimeWindow(from: Int64(noon) - 1, to: Int64(noon) + 86_400_000_000_000))
    let calls = try reader.dependencies(window).value
    #expect(calls.map(\.caller) == ["shop"] && calls.map(\.callee) == ["stock"] && calls.map(\.calls) == [1])
    let finding = try #require(try reader.findings(window).value.first)
    #expect(finding.key.kind == "n_plus_one" && finding.executions == 6 && finding.traces == 1)
    #expect(finding.worstTraceID == hex(1, 32) && finding.key.place == "GET /orders")
    #expect(try reader.findings(window, service: "stock").value.isEmpty)
    withExtendedLifetime(store) {}
  }

  @Test("A damaged, a newer and a foreign file are left out and named")
  func skipsUnusableFiles() throws {
    let shop = try VisitedShop(seed: 5)
    let path = { (name: String) in shop.fixture.directory.path(of: name) }
    for (name, sql) in [
      ("telemetry-2026-11-23.db", "PRAGMA application_id = 1869900912; PRAGMA user_version = 99; CREATE TABLE t(a)"),
      ("telemetry-2026-11-24.db", "CREATE TABLE t(a)"),
    ] {
      try Database(path: path(name), mode: .create).execute(sql)
    }
    let before = try shop.reader.operations(shop.window)
    #expect(before.value.rows.count == 6)
    #expect(before.skipped.map(\.name) == ["telemetry-2026-11-24.db", "telemetry-2026-11-23.db"])
    try damage(path(today))
    let after = try shop.reader.operations(shop.window)
    #expect(after.skipped.map(\.name).contains(today))
    let requests = after.value.rows.reduce(0) { $0 + $1.statistics.requests }
    let end = UInt64(try shop.window.to)
    let readable = shop.visits.filter { $0.start >= VisitedShop.midnight && $0.start + $0.duration < end }
    #expect(requests == Int64(readable.count))
  }

  @Test("A directory that is missing is an error, an empty one has no answers")
  func emptyDirectories() throws {
    let fixture = Fixture()
    let reader = StoreReader(directory: fixture.temporary.path)
    let window = try #require(TimeWindow(from: 0, to: Int64(noon)))
    #expect(throws: QueryError.self) { try reader.services(window) }
    try fixture.directory.create()
    #expect(try reader.services(window).value.isEmpty)
  }

  @Test("A query that takes too long is stopped")
  func deadline() throws {
    let shop = try VisitedShop(seed: 6, count: 50)
    let reader = StoreReader(directory: shop.fixture.temporary.path, deadline: .zero)
    #expect(throws: QueryError.overdue) { try reader.operations(shop.window) }
    let database = try shop.fixture.database()
    database.stop(atMonotonic: 0)
    let error = #expect(throws: SQLiteError.self) {
      try database.value("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n")
    }
    #expect(error?.isInterruption == true)
  }

  private func damage(_ path: String) throws {
    let file = try DiskDirectory(path: String(path.dropLast(today.count + 1))).open(today)
    let noise = [UInt8](repeating: 0x5a, count: 4096)
    try file.write(noise.span, at: 0)
  }
}
