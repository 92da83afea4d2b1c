// Tests the limit of what may wait for one sink, in memory and on disk.

import Bytes
import Journal
import SelfTelemetry
import System
import Testing

@Suite struct LagLimitTests {
  private let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  /// A record of 100 bytes and two items.
  private func record(_ journal: Journal, _ name: UInt8, to sinks: [String]) -> JournalRecord {
    JournalRecord(
      payload: Bytes([UInt8](repeating: name, count: 100)), signal: 0, itemCount: 2, routes: journal.routes(to: sinks))
  }

  private func journal(_ durability: Durability) throws -> Journal {
    if durability == .memory { return Fixture(records: 1000).journal }
    return try DiskFixture(directory, durability: durability).journal
  }

  private func append(_ journal: Journal, _ records: JournalRecord...) -> AppendOutcome? {
    let outcome = Lock<AppendOutcome?>(nil)
    journal.append(records) { result in outcome.withLock { $0 = result } }
    journal.turn()
    return outcome.value
  }

  private static let limits = [LagLimit(3, .requests), LagLimit(7, .items), LagLimit(399, .bytes)]

  @Test(
    "A sink that refuses lets in as much as its limit says, and more when it has delivered",
    arguments: limits, [Durability.memory, .disk])
  func refuses(limit: LagLimit, durability: Durability) throws {
    let journal = try journal(durability)
    let cursor = journal.openCursor(sink: "a", signal: 0, whenFull: .refuse, limit: limit)
    let other = journal.openCursor(sink: "b", signal: 0, whenFull: .refuse)
    for name in UInt8(1)...3 { #expect(append(journal, record(journal, name, to: ["a", "b"])) == .accepted) }
    #expect(append(journal, record(journal, 4, to: ["a", "b"])) == .refused(.queueFull))
    #expect(append(journal, record(journal, 5, to: ["b"])) == .accepted, "nobody else waits for it")
    cursor.advance(past: 1)
    #expect(append(journal, record(journal, 6, to: ["a"])) == .accepted)
    #expect(append(journal, record(journal, 7, to: ["a"]), record(journal, 8, to: ["b"])) == .refused(.queueFull))
    #expect(cursor.drain() == [2, 3, 6])
    #expect(other.drain() == [1, 2, 3, 5])
  }

  @Test(
    "A sink that may lose its oldest loses what is beyond its limit, and no other sink does",
    arguments: limits, [Durability.memory, .disk])
  func drops(limit: LagLimit, durability: Durability) throws {
    let journal = try journal(durability)
    let cursor = journal.openCursor(sink: "a", signal: 0, whenFull: .dropOldest, limit: limit)
    let other = journal.openCursor(sink: "b", signal: 0, whenFull: .refuse)
    for name in UInt8(1)...9 { #expect(append(journal, record(journal, name, to: ["a", "b"])) == .accepted) }
    let status = cursor.status
    #expect(status.dropped == status.overLimit)
    #expect(status.overLimit.records == 6 && status.overLimit.items == 12)
    #expect(status.routed.items == status.dropped.items + status.pending.items)
    #expect(cursor.drain() == [7, 8, 9])
    #expect(other.drain() == Array(1...9))
  }

  @Test("One request always has room, however large it is", arguments: [Durability.memory, .disk])
  func oneRequest(durability: Durability) throws {
    let journal = try journal(durability)
    let cursor = journal.openCursor(sink: "a", signal: 0, whenFull: .refuse, limit: LagLimit(10, .bytes))
    #expect(append(journal, record(journal, 1, to: ["a"])) == .accepted)
    #expect(append(journal, record(journal, 2, to: ["a"])) == .refused(.queueFull))
    #expect(cursor.drain() == [1])
    #expect(append(journal, record(journal, 3, to: ["a"])) == .accepted)
  }

  @Test("What is on its way to the disk counts, until it is there or refused")
  func queued() throws {
    let fixture = try DiskFixture(directory, freeBytesMin: .max)
    _ = fixture.journal.openCursor(sink: "a", signal: 0, whenFull: .refuse, limit: LagLimit(2, .requests))
    let outcomes = (UInt8(1)...3).map { fixture.append(record(fixture.journal, $0, to: ["a"])) }
    #expect(outcomes.map(\.value) == [nil, nil, .refused(.queueFull)])
    fixture.pass(.seconds(3))
    #expect(outcomes.map(\.value) == [.refused(.noSpace), .refused(.noSpace), .refused(.queueFull)])
    #expect(fixture.append(record(fixture.journal, 4, to: ["a"])).value == nil, "there is room in the queue again")
  }
}
