// Repeated and slow statements, and the calls between services.

import OTLP
import SQLite
import System
import TelemetryStore
import Testing

@Suite struct FindingTests {
  let fixture = Fixture()
  private let statement = [("db.system", "sqlite"), ("db.statement", "SELECT name FROM items WHERE id = 7")]

  /// Executions one after the other under span 1, 20 ms each.
  private func executions(_ range: Range<Int>, trace: Int = 1, duration: UInt64 = 20_000_000) -> [String] {
    range.map { number in
      span(
        trace: trace, span: 100 + number, parent: 1, kind: 3, start: noon + UInt64(number) * 20_000_000,
        duration: duration, attributes: statement)
    }
  }

  private func server(trace: Int = 1, route: String = "/orders") -> String {
    span(
      trace: trace, span: 1, kind: 2, duration: 400_000_000,
      attributes: [("http.method", "GET"), ("http.route", route)])
  }

  private let findings = "SELECT kind, place, statement, traces, executions, total_ns, worst_executions FROM findings"

  @Test("A statement that a request repeats is found, with the request's route and the worst trace")
  func findsRepetition() throws {
    let store = try fixture.openStore()
    let spans = executions(0..<6) + [server()] + executions(0..<8, trace: 2) + [server(trace: 2)]
    try store.write(signal: .traces, requests: [request("shop", spans)], journal: 1, lastSequence: 1)
    #expect(
      try fixture.rows(findings) == [
        [
          .text("n_plus_one"), .text("GET /orders"), .text("SELECT name FROM items WHERE id = ?"), .integer(2),
          .integer(14), .integer(280_000_000), .integer(8),
        ]
      ])
    #expect(try fixture.value("SELECT hex(worst_trace_id) FROM findings") == .text(hex(2, 32)))
  }

  @Test("Few, short and simultaneous executions are no finding")
  func leavesTheRestAlone() throws {
    let store = try fixture.openStore()
    let simultaneous = (0..<8).map { number in
      span(
        trace: 3, span: 100 + number, parent: 1, kind: 3, start: noon, duration: 20_000_000, attributes: statement)
    }
    let spans = executions(0..<4) + executions(0..<8, trace: 2, duration: 1_000_000) + simultaneous
    try store.write(signal: .traces, requests: [request("shop", spans)], journal: 1, lastSequence: 1)
    #expect(try fixture.rows(findings).isEmpty)
  }

  @Test("Late spans of a trace update its finding, and the place may arrive last")
  func updates() throws {
    let store = try fixture.openStore()
    try store.write(signal: .traces, requests: [request("shop", executions(0..<5))], journal: 1, lastSequence: 1)
    #expect(try fixture.rows(findings).isEmpty)
    try store.write(signal: .traces, requests: [request("shop", [server()])], journal: 1, lastSequence: 2)
    #expect(try fixture.rows(findings).first?[4] == .integer(5))
    try store.write(signal: .traces, requests: [request("shop", executions(5..<9))], journal: 1, lastSequence: 3)
    #expect(
      try fixture.rows(findings).map { Array($0[3...]) }
        == [[.integer(1), .integer(9), .integer(180_000_000), .integer(9)]])
    // A client's retry changes nothing.
    try store.write(signal: .traces, requests: [request("shop", executions(5..<9))], journal: 1, lastSequence: 4)
    #expect(try fixture.rows(findings).first?[4] == .integer(9))
  }

  @Test("A place that never arrives is (unknown) after some batches")
  func givesUpThePlace() throws {
    let store = try fixture.openStore()
    try store.write(signal: .traces, requests: [request("shop", executions(0..<5))], journal: 1, lastSequence: 1)
    for sequence in 2...22 {
      try store.write(signal: .logs, requests: [.log("a")], journal: 1, lastSequence: UInt64(sequence))
    }
    #expect(try fixture.rows(findings).first?[1] == .text("(unknown)"))
  }

  @Test("One execution of half a second is a finding")
  func findsSlowStatements() throws {
    let store = try fixture.openStore()
    let slow = executions(0..<1, duration: 500_000_000)
    try store.write(signal: .traces, requests: [request("shop", slow + [server()])], journal: 1, lastSequence: 1)
    #expect(try fixture.rows(findings).first?[0] == .text("slow_statement"))
  }

  @Test("Calls between services are counted once, whichever side comes first, some seconds later or at the day's end")
  func countsEdges() throws {
    var store = try fixture.openStore()
    let hour = Int64(noon / 3_600_000_000_000)
    let call = span(trace: 1, span: 2, parent: 1, kind: 3, attributes: [("server.address", "stock")])
    let served = span(trace: 1, span: 3, parent: 2, kind: 2, more: #","status":{"code":2}"#)
    try store.write(signal: .traces, requests: [request("stock", [served])], journal: 1, lastSequence: 1)
    try store.write(signal: .traces, requests: [request("shop", [call])], journal: 1, lastSequence: 2)
    let edges = "SELECT hour, caller, callee, count, errors FROM edges"
    #expect(try fixture.rows(edges).isEmpty)
    for sequence in 3...5 {
      fixture.clock.advance(by: .seconds(11))
      try store.write(signal: .logs, requests: [.log("a")], journal: 1, lastSequence: UInt64(sequence))
    }
    let expected: [[SQLiteValue]] = [[.integer(hour), .text("shop"), .text("stock"), .integer(1), .integer(1)]]
    #expect(try fixture.rows(edges) == expected)
    let second = span(trace: 1, span: 4, parent: 2, kind: 2)
    try store.write(signal: .traces, requests: [request("stock", [second])], journal: 1, lastSequence: 6)
    store.close()
    fixture.clock.advance(by: .seconds(86_400))
    store = try fixture.openStore()
    #expect(try fixture.rows(edges).map { $0[3] } == [.integer(2)])
  }

  @Test("The bodies of log records are found by their words")
  func searchesText() throws {
    let store = try fixture.openStore()
    try store.write(
      signal: .logs, requests: [.log("payment refused by bank"), .log("order shipped")], journal: 1, lastSequence: 1)
    #expect(
      try fixture.rows("SELECT body FROM log_text WHERE log_text MATCH 'refused'")
        == [[.text("payment refused by bank")]])
  }
}
