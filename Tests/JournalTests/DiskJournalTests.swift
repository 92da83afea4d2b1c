// Tests a journal in real files: what it promises, what it keeps, and what it lets go.

import Bytes
import Journal
import SelfTelemetry
import System
import Testing

@Suite struct DiskJournalTests {
  private let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  @Test("What was acknowledged is there in the next life, in order and unchanged", arguments: [Durability.disk, .os])
  func survives(durability: Durability) throws {
    var id: JournalID?
    do {
      let fixture = try DiskFixture(directory, durability: durability)
      _ = fixture.open("a")
      for name in UInt8(1)...20 { #expect(fixture.store(name) == .accepted) }
      id = fixture.journal.id
    }
    let fixture = try DiskFixture(directory, durability: durability)
    #expect(fixture.journal.id == id)
    #expect(fixture.journal.recovery?.records == 20)
    let cursor = fixture.open("a")
    #expect(cursor.status.routed.items == 20)
    #expect(cursor.drain() == Array(1...20))
    #expect(fixture.store(21) == .accepted)
    #expect(cursor.drain() == [21])
  }

  @Test("Nothing is acknowledged or read before it is written")
  func waits() throws {
    let fixture = try DiskFixture(directory)
    let cursor = fixture.open("a")
    let outcome = fixture.append(fixture.record(1, to: ["a"]))
    #expect(outcome.value == nil)
    #expect(cursor.status.pending == Amount())
    #expect(cursor.drain() == [])
    fixture.journal.turn()
    #expect(outcome.value == .accepted)
    #expect(cursor.drain() == [1])
  }

  @Test("A sink goes on where it stood, and one that is new gets what is routed to it from then on")
  func cursors() throws {
    do {
      let fixture = try DiskFixture(directory)
      let cursor = fixture.open("a")
      _ = fixture.open("b")
      for name in UInt8(1)...6 { fixture.store(name, to: ["a", "b"]) }
      let batch = cursor.nextBatch(limits: Cursor.Limits(itemsMax: 4, bytesMax: 1 << 20))
      cursor.advance(past: batch?.lastSequence ?? 0)
      fixture.end()
    }
    let fixture = try DiskFixture(directory)
    let (a, b, new) = (fixture.open("a"), fixture.open("b"), fixture.open("new"))
    fixture.store(7, to: ["a", "new"])
    #expect(a.drain() == [5, 6, 7])
    #expect(b.drain() == [1, 2, 3, 4, 5, 6])
    #expect(new.drain() == [7])
  }

  @Test("A lagging sink reads from files what is no longer in memory, and who keeps up reads from memory")
  func lags() throws {
    let fixture = try DiskFixture(directory, memoryBytes: 3000)
    let (slow, fast) = (fixture.open("slow"), fixture.open("fast"))
    func take(_ cursor: Cursor) throws -> [Int] {
      let batch = try #require(cursor.nextBatch(limits: Cursor.Limits(itemsMax: 1, bytesMax: 1)))
      cursor.advance(past: batch.lastSequence)
      return [Int(batch.entries[0].payload[0]), batch.entries[0].isReread ? 1 : 0]
    }
    for name in UInt8(1)...50 {
      fixture.store(name, to: ["slow", "fast"])
      #expect(try take(fast) == [Int(name), 0])
      if name > 20 { #expect(try take(slow) == [Int(name) - 20, 1]) }
    }
    #expect(fixture.metrics.render().contains("otlpd_journal_reread_records 30\n"))
    #expect(slow.drain() == Array(31...50))
  }

  @Test("Files go when every sink is past them, and only after the cursors say so")
  func removesFiles() throws {
    let fixture = try DiskFixture(directory)
    let (a, b) = (fixture.open("a"), fixture.open("b"))
    for name in UInt8(1)...20 { fixture.store(name, to: ["a", "b"]) }
    let all = directory.segments
    #expect(all.count > 3)
    #expect(a.drain().count == 20)
    fixture.pass()
    #expect(directory.segments == all, "b has them before it")
    #expect(b.drain().count == 20)
    fixture.pass()
    #expect(directory.segments == [all.last])
    #expect(directory.names.contains("cursors"))
    #expect(fixture.journal.usage.bytes < 6 * 1300)
  }

  @Test("A full journal makes a request wait for room, and refuses it when there is none in time")
  func full() throws {
    let fixture = try DiskFixture(directory, diskBytes: 10 * 1256)
    let cursor = fixture.open("a")
    for name in UInt8(1)...10 { #expect(fixture.store(name) == .accepted) }
    let late = fixture.append(fixture.record(11, to: ["a"]))
    fixture.journal.turn()
    #expect(late.value == nil)
    fixture.pass(.milliseconds(1900))
    #expect(late.value == nil)
    fixture.pass(.milliseconds(200))
    #expect(late.value == .refused(.full))
    let lucky = fixture.append(fixture.record(12, to: ["a"]))
    fixture.journal.turn()
    #expect(lucky.value == nil)
    #expect(cursor.drain() == Array(1...10))
    fixture.journal.turn()
    #expect(lucky.value == .accepted)
    #expect(cursor.drain() == [12])
    #expect(fixture.metrics.render().contains("otlpd_journal_refused_groups{reason=\"full\"} 1\n"))
  }

  @Test("A sink that may lose its oldest gives way by whole files, counted")
  func dropsOldest() throws {
    let fixture = try DiskFixture(directory, diskBytes: 12 * 1256)
    let (lossy, durable) = (fixture.open("lossy", whenFull: .dropOldest), fixture.open("durable"))
    for name in UInt8(1)...40 {
      #expect(fixture.store(name, to: ["lossy", "durable"]) == .accepted)
      #expect(durable.drain() == [name])
    }
    let status = lossy.status
    #expect(status.routed.items == 40)
    #expect(status.dropped.items + status.pending.items == 40)
    #expect(lossy.drain() == Array((40 - UInt8(status.pending.items) + 1)...40))
    #expect(fixture.journal.usage.bytes <= 12 * 1256)
  }

  @Test("What only best-effort sinks want is acknowledged at once and never written")
  func bestEffort() throws {
    let fixture = try DiskFixture(directory)
    let (debug, store) = (fixture.open("debug", whenFull: .bestEffort), fixture.open("store"))
    #expect(fixture.append(fixture.record(1, to: ["debug"])).value == .accepted)
    fixture.journal.turn()
    #expect(directory.segments == [])
    #expect(debug.drain() == [1])
    fixture.store(2, to: ["debug", "store"])
    #expect(fixture.append(fixture.record(3, to: ["debug"])).value == .accepted)
    fixture.store(4, to: ["store"])
    #expect(debug.drain() == [2, 3])
    #expect(store.drain() == [2, 4])
  }

  @Test("Low space refuses in time, and the journal goes on when there is space again")
  func lowSpace() throws {
    do {
      let fixture = try DiskFixture(directory, freeBytesMin: .max)
      _ = fixture.open("a")
      let outcome = fixture.append(fixture.record(1, to: ["a"]))
      fixture.journal.turn()
      #expect(outcome.value == nil)
      fixture.pass(.seconds(2))
      #expect(outcome.value == .refused(.noSpace))
      #expect(directory.segments == [])
    }
    let fixture = try DiskFixture(directory)
    _ = fixture.open("a")
    #expect(fixture.store(1) == .accepted)
  }

  @Test("A second journal in the same directory is told who has it")
  func lock() throws {
    let fixture = try DiskFixture(directory)
    #expect {
      _ = try DiskFixture(directory)
    } throws: { error in
      guard case JournalError.inUse(_, let processID) = error else { return false }
      return processID == ProcessStatistics.identifier
    }
    fixture.end()
  }

  @Test(
    "A directory that was moved away or replaced stops the journal: nobody would see what is written there",
    arguments: [false, true])
  func moved(isReplaced: Bool) throws {
    let fixture = try DiskFixture(directory)
    _ = fixture.open("a")
    #expect(fixture.store(1) == .accepted)
    let parent = Directory(path: "/tmp")
    let name = directory.path.split(separator: "/").last.map(String.init) ?? ""
    try parent.rename(name, to: name + "-moved")
    if isReplaced { try Directory(path: directory.path).create() }
    // An empty directory gives way.
    defer { try? parent.rename(name + "-moved", to: name) }
    fixture.clock.advance(by: .seconds(11))
    #expect(fixture.store(2) == .refused(.failed))
    #expect(fixture.append(fixture.record(3, to: ["a"])).value == .refused(.failed))
  }

  @Test("Sequence numbers that a sink knows are not used for other records")
  func reserve() throws {
    let fixture = try DiskFixture(directory)
    let cursor = fixture.open("a")
    fixture.store(1)
    fixture.journal.reserve(through: 1000)
    fixture.store(2)
    #expect(fixture.journal.durableSequence == 1001)
    #expect(cursor.drain() == [1, 2])
    fixture.store(3)
    fixture.end()
    #expect(cursor.drain() == [3])
  }

  @Test("The journal's own thread acknowledges many threads' requests, and none is lost or mixed up")
  func threads() throws {
    let journal = try Journal.open(
      settings: JournalSettings(
        durability: .disk, directory: directory.path, memoryBytesMax: 100_000, freeBytesMin: 0, segmentBytes: 50_000),
      clock: SystemClock(), metrics: MetricRegistry(), onFailure: { _ in Issue.record("the disk failed") })
    let cursor = journal.openCursor(sink: "a", signal: 0, whenFull: .refuse)
    try journal.start()
    let routes = journal.routes(to: ["a"])
    let acknowledged = Lock(0)
    let threads = try (UInt8(1)...4).map { name in
      try Thread(name: "client") {
        for _ in 0..<50 {
          let record = JournalRecord(
            payload: Bytes([UInt8](repeating: name, count: 900)), signal: 0, itemCount: 1, routes: routes)
          let isDone = Lock(false)
          journal.append([record]) { outcome in
            if outcome == .accepted { acknowledged.withLock { $0 += 1 } }
            isDone.withLock { $0 = true }
            isDone.wakeAll()
          }
          _ = isDone.wait(until: nil) { $0 ? true : nil }
        }
      }
    }
    for thread in threads { thread.join() }
    #expect(acknowledged.withLock { $0 } == 200)
    let names = cursor.drain()
    #expect((UInt8(1)...4).allSatisfy { name in names.count { $0 == name } == 50 })
    journal.finish()
    #expect(directory.names.contains("cursors"))
  }
}
