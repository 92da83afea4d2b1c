// Trace search and traces by id, against a search by hand.

import Bytes
import Fuzzing
import OTLP
import SQLite
import System
import TelemetryStore
import Testing

@Suite struct TraceQueryTests {
  static let filters: [(name: String, filter: TraceFilter, matches: @Sendable (Visit, String) -> Bool)] = {
    func filter(_ change: (inout TraceFilter) -> Void) -> TraceFilter {
      var filter = TraceFilter()
      change(&filter)
      return filter
    }
    return [
      ("everything", TraceFilter(), { _, _ in true }),
      ("service", filter { $0.service = "shop" }, { _, service in service == "shop" }),
      ("route", filter { $0.route = "/a" }, { visit, _ in visit.route == "/a" }),
      (
        "route and duration",
        filter {
          $0.route = "/b"
          $0.durationMin = 500
          $0.durationMax = 2000
        }, { visit, _ in visit.route == "/b" && 500...2000 ~= visit.durationMilliseconds }
      ),
      ("errors", filter { $0.isError = true }, { visit, _ in visit.isError }),
      (
        "no errors of a service",
        filter {
          $0.isError = false
          $0.service = "stock"
        }, { visit, service in !visit.isError && service == "stock" }
      ),
      ("status", filter { $0.statusCodes = 400...499 }, { visit, _ in visit.status == 404 }),
      ("attribute", filter { $0.attributes = [("user.id", "u-3")] }, { visit, _ in visit.user == 3 }),
      (
        "number and resource attribute",
        filter { $0.attributes = [("http.response.status_code", "500"), ("service.name", "shop")] },
        { visit, service in visit.status == 500 && service == "shop" }
      ),
      ("text", filter { $0.text = "C/{ID" }, { visit, _ in visit.route == "/c/{id}" }),
      ("text with a wildcard", filter { $0.text = "u%3" }, { _, _ in false }),
      ("nothing", filter { $0.service = "x' OR '1'='1" }, { _, _ in false }),
    ]
  }()

  @Test("Every search gives, page by page, what a search by hand gives, newest first", arguments: filters.indices)
  func search(index: Int) throws {
    let (_, filter, matches) = Self.filters[index]
    let shop = try VisitedShop(seed: UInt64(index))
    let expected = shop.visits.filter { matches($0, shop.service(of: $0)) }.sorted { $0.start > $1.start }
    for limit in [7, 1000] {
      var found: [TraceSummary] = []
      var before: TraceCursor?
      var pages = 0
      repeat {
        let page = try shop.reader.traces(shop.window, filter, limit: limit, before: before).value
        #expect(page.traces.count <= limit)
        found += page.traces
        before = page.next.flatMap { TraceCursor($0.description) }
        pages += 1
      } while before != nil && pages < 200
      #expect(found.map(\.start) == expected.map { Int64($0.start) })
      #expect(Set(found.map(\.traceID)) == Set(expected.map { hex($0.trace, 32) }))
    }
  }

  @Test("A trace of several services is listed once, with its root")
  func listsTracesOnce() throws {
    let fixture = Fixture()
    let store = try fixture.openStore()
    for (sequence, service) in ["shop", "stock", "bank"].enumerated() {
      let spans = (1...20).map { trace in
        span(
          trace: trace, span: sequence + 1, parent: sequence, name: "in \(service)", kind: 2,
          start: noon + UInt64(trace * 1000 + sequence * 100), duration: 10)
      }
      try store.write(
        signal: .traces, requests: [request(service, spans)], journal: 1, lastSequence: UInt64(sequence + 1))
    }
    let reader = StoreReader(directory: fixture.temporary.path)
    let window = try #require(TimeWindow(from: Int64(noon), to: Int64(noon) + 1_000_000))
    var seen: [String] = []
    var before: TraceCursor?
    repeat {
      let page = try reader.traces(window, TraceFilter(), limit: 3, before: before).value
      for trace in page.traces {
        seen.append(trace.traceID)
        #expect(trace.rootName == "in shop" && trace.rootService == "shop")
        #expect(trace.spans == 3 && trace.services == ["bank", "shop", "stock"])
      }
      before = page.next
    } while before != nil
    #expect(seen == (1...20).reversed().map { hex($0, 32) })
    withExtendedLifetime(store) {}
  }

  @Test("A trace's spans come from all files, parents before children, with rings and lost parents")
  func traceByID() throws {
    let fixture = Fixture()
    let store = try fixture.openStore()
    let first = [
      span(trace: 1, span: 1, name: "root", kind: 2), span(trace: 1, span: 3, parent: 2, name: "c", kind: 1),
      span(trace: 1, span: 4, parent: 99, name: "orphan", kind: 1, start: noon + 50),
    ]
    let second = [
      span(trace: 1, span: 2, parent: 1, name: "b", kind: 1, start: noon + 10),
      span(trace: 1, span: 5, parent: 6, name: "ring 1", kind: 1, start: noon + 60),
      span(trace: 1, span: 6, parent: 5, name: "ring 2", kind: 1, start: noon + 70), span(trace: 2, span: 1, kind: 2),
    ]
    try store.write(signal: .traces, requests: [request("shop", first)], journal: 1, lastSequence: 1)
    fixture.clock.advance(by: .seconds(86_400))
    try store.write(signal: .traces, requests: [request("shop", second)], journal: 1, lastSequence: 2)
    let reader = StoreReader(directory: fixture.temporary.path)
    let spans = try reader.trace(#require(TraceID("1"))).value.spans
    #expect(spans.map(\.name) == ["root", "b", "c", "orphan", "ring 1", "ring 2"])
    #expect(spans.map(\.depth) == [0, 1, 2, 0, 0, 1])
    #expect(try reader.trace(#require(TraceID(hex(77, 32)))).value.spans.isEmpty)
    #expect(TraceID("xyz") == nil && TraceID("") == nil && TraceID(hex(1, 32) + "0") == nil)
    withExtendedLifetime(store) {}
  }

  @Test("The hot queries use their indexes and never read all spans")
  func plans() throws {
    let shop = try VisitedShop(seed: 1, count: 10)
    let database = try shop.fixture.database()
    let window = try shop.window
    func plan(_ sql: String) throws -> [String] {
      try database.rows("EXPLAIN QUERY PLAN " + sql).compactMap { $0.last?.text }
    }
    func search(_ change: (inout TraceFilter) -> Void) -> String {
      var filter = TraceFilter()
      change(&filter)
      return TraceSearch(window, filter, limit: 20, before: TraceCursor("5.1.1")).statement(day: 1, service: "shop").sql
    }
    let statements = [
      ("operation_minutes", RollupPeriods(window).statement),
      ("span_identity", StoreReader.traceStatement),
      (
        "span_routes",
        search {
          $0.route = "/a"
          $0.durationMin = 5
        }
      ),
      ("span_errors", search { $0.isError = true }),
      ("span_entries", search { $0.service = "shop" }),
    ]
    for (index, sql) in statements {
      let lines = try plan(sql)
      #expect(lines.contains { $0.hasPrefix("SEARCH") && $0.contains(index) }, "\(lines)")
      #expect(!lines.contains { $0.hasPrefix("SCAN") }, "\(lines)")
      // Rows with one start may be sorted by hand, but never all.
      #expect(!lines.contains("USE TEMP B-TREE FOR ORDER BY"), "\(lines)")
    }
  }
}
