// The store's files: days, positions, restarts, and what happens when somebody meddles with them.

import Bytes
import Glibc
import OTLP
import SQLite
import System
import TelemetryStore
import Testing

@Suite struct TelemetryStoreTests {
  let fixture = Fixture()

  @Test("A file is for its owner only and named after the UTC day")
  func makesFiles() throws {
    let store = try fixture.openStore()
    try store.write(signal: .traces, requests: [.span()], journal: 1, lastSequence: 1)
    #expect(try fixture.directory.entries().contains(today))
    #expect(mode(fixture.temporary.path) == 0o700)
    for name in try fixture.directory.entries() { #expect(mode(fixture.directory.path(of: name)) == 0o600) }
  }

  @Test("A batch and its position are in the file when write returns")
  func storesBatches() throws {
    let store = try fixture.openStore()
    let outcome = try store.write(
      signal: .traces, requests: [.span(span: 1), .span(span: 2)], journal: 0xabc, lastSequence: 9)
    #expect(outcome.rows == 2 && outcome.duplicates == 0 && !outcome.wasStored)
    #expect(try fixture.value("SELECT count(*) FROM spans") == .integer(2))
    #expect(
      try fixture.rows("SELECT journal, signal, sequence FROM positions")
        == [[.text("0000000000000abc"), .text("traces"), .integer(9)]])
    #expect(store.position(of: .traces, in: 0xabc) == 9)
    #expect(store.position(of: .logs, in: 0xabc) == nil)
    #expect(store.position(of: .traces, in: 0xabd) == nil)
  }

  @Test("A batch that comes twice is stored once, also after a restart")
  func storesExactlyOnce() throws {
    let store = try fixture.openStore()
    try store.write(signal: .logs, requests: [.log("a")], journal: 5, lastSequence: 3)
    #expect(try store.write(signal: .logs, requests: [.log("a")], journal: 5, lastSequence: 3).wasStored)
    store.close()
    let restarted = try fixture.openStore()
    #expect(restarted.position(of: .logs, in: 5) == 3)
    #expect(try restarted.write(signal: .logs, requests: [.log("a")], journal: 5, lastSequence: 2).wasStored)
    #expect(restarted.counts.skippedBatches == 1)
    #expect(try fixture.value("SELECT count(*) FROM logs") == .integer(1))
    // Another journal's numbers are others, and so are another signal's.
    try restarted.write(signal: .logs, requests: [.log("b")], journal: 6, lastSequence: 1)
    try restarted.write(signal: .traces, requests: [.span()], journal: 5, lastSequence: 1)
    #expect(try fixture.value("SELECT count(*) FROM logs") == .integer(2))
  }

  @Test("A sequence number above 2^63 is a position like any other")
  func ordersLargeSequences() throws {
    let store = try fixture.openStore()
    try store.write(signal: .logs, requests: [.log("a")], journal: .max, lastSequence: .max - 1)
    store.close()
    let restarted = try fixture.openStore()
    #expect(restarted.position(of: .logs, in: .max) == UInt64.max - 1)
    #expect(try !restarted.write(signal: .logs, requests: [.log("b")], journal: .max, lastSequence: .max).wasStored)
  }

  @Test("A client's retry of a span is left out, spans without both ids are kept")
  func leavesOutDuplicates() throws {
    let store = try fixture.openStore()
    let zero = #"{"spanId":"0000000000000000","traceId":"\#(hex(1, 32))"}"#
    let requests: [ExportRequest] = [
      try .span(trace: 1, span: 1), try .span(trace: 1, span: 1), try .span(trace: 1, span: 1, more: #","kind":3"#),
      try .span(trace: 1, span: 0), try .span(trace: 1, span: 0),
      try .span(trace: 0, span: 0), try .span(trace: 0, span: 0),
      try ExportRequest(.traces, json: #"{"resourceSpans":[{"scopeSpans":[{"spans":[\#(zero),\#(zero)]}]}]}"#),
    ]
    let outcome = try store.write(signal: .traces, requests: requests, journal: 1, lastSequence: 1)
    #expect(outcome.rows == 8)
    #expect(outcome.duplicates == 1)
    #expect(store.counts.duplicateSpans == 1)
    #expect(store.counts.rows == [.traces: 8])
  }

  @Test("The first write of a new day closes yesterday's file and goes on in today's, with the positions")
  func changesDays() throws {
    let store = try fixture.openStore()
    try store.write(signal: .traces, requests: [.span()], journal: 1, lastSequence: 1)
    fixture.clock.advance(by: .seconds(12 * 3600))
    try store.write(signal: .logs, requests: [.log("b")], journal: 1, lastSequence: 2)
    #expect(try fixture.directory.entries().filter { $0.hasPrefix(today) } == [today])
    #expect(try fixture.value("PRAGMA journal_mode") == .text("delete"))
    #expect(try fixture.value("SELECT count(*) FROM spans") == .integer(1))
    #expect(try fixture.value("SELECT count(*) FROM spans", in: tomorrow) == .integer(0))
    #expect(
      try fixture.rows("SELECT signal, sequence FROM positions ORDER BY signal", in: tomorrow)
        == [[.text("logs"), .integer(2)], [.text("traces"), .integer(1)]])
    store.close()
    try fixture.directory.remove(today)
    #expect(try fixture.openStore().position(of: .traces, in: 1) == 1)
  }

  @Test("At start, older files still in WAL mode are closed and their positions are learnt")
  func closesOlderFilesAtStart() throws {
    let store = try fixture.openStore()
    try store.write(signal: .traces, requests: [.span()], journal: 1, lastSequence: 7)
    store.close()
    fixture.clock.advance(by: .seconds(5 * 86400))
    let later = try fixture.openStore()
    #expect(later.position(of: .traces, in: 1) == 7)
    #expect(try fixture.value("PRAGMA journal_mode") == .text("delete"))
    #expect(try fixture.value("SELECT sequence FROM positions", in: "telemetry-2026-11-26.db") == .integer(7))
  }

  @Test("A clock set back over midnight goes on with the newest file; one set back by days does not")
  func survivesClocksSetBack() throws {
    let clock = ManualClock(wall: noon + 43_200_000_000_000)
    let store = TelemetryStore(directory: fixture.temporary.path, clock: clock, logger: fixture.logger)
    try store.open()
    try store.write(signal: .logs, requests: [.log("a")], journal: 1, lastSequence: 1)
    store.close()
    let early = try fixture.openStore()
    try early.write(signal: .logs, requests: [.log("b")], journal: 1, lastSequence: 2)
    #expect(try fixture.value("SELECT count(*) FROM logs", in: tomorrow) == .integer(2))
    early.close()
    let past = TelemetryStore(
      directory: fixture.temporary.path, clock: ManualClock(wall: noon - 86_400_000_000_000), logger: fixture.logger)
    try past.open()
    try past.write(signal: .logs, requests: [.log("c")], journal: 1, lastSequence: 3)
    #expect(try fixture.value("SELECT count(*) FROM logs", in: "telemetry-2026-11-20.db") == .integer(1))
  }

  @Test("The file tells the range of its event times and its rows")
  func recordsRanges() throws {
    let store = try fixture.openStore()
    try store.write(signal: .traces, requests: [.span(span: 1)], journal: 1, lastSequence: 1)
    try store.write(
      signal: .traces, requests: [.span(span: 2, more: #","endTimeUnixNano":"\#(noon + 9_000_000)""#)], journal: 1,
      lastSequence: 2)
    let observed = #"{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"observedTimeUnixNano":"77"},{}]}]}]}"#
    try store.write(signal: .logs, requests: [ExportRequest(.logs, json: observed)], journal: 1, lastSequence: 2)
    #expect(
      try fixture.rows("SELECT * FROM time_ranges ORDER BY table_name") == [
        [.text("logs"), .integer(77), .integer(77), .integer(2)],
        [.text("spans"), .integer(Int64(noon)), .integer(Int64(noon) + 9_000_000), .integer(2)],
      ])
  }

  @Test("Resources and scopes are stored once per file")
  func storesResourcesOnce() throws {
    let store = try fixture.openStore()
    for sequence in 1...3 {
      try store.write(
        signal: .traces, requests: [.span(span: sequence), .span(span: sequence + 10)], journal: 1,
        lastSequence: UInt64(sequence))
    }
    store.close()
    let restarted = try fixture.openStore()
    try restarted.write(signal: .traces, requests: [.span(span: 99)], journal: 1, lastSequence: 4)
    #expect(
      try fixture.rows("SELECT service_name, attributes FROM resources")
        == [[.text("shop"), .text(#"{"service.name":"shop"}"#)]])
    #expect(try fixture.value("SELECT count(*) FROM scopes") == .integer(1))
    #expect(try fixture.value("SELECT count(DISTINCT resource_id) FROM spans") == .integer(1))
  }

  private func mode(_ path: String) -> mode_t {
    var status = stat()
    return unsafe stat(path, &status) == 0 ? status.st_mode & 0o777 : 0
  }
}
