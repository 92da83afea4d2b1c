// Tests what becomes of telemetry that waits for sinks which the configuration has no more.

import Journal
import SelfTelemetry
import System
import Testing

@Suite struct RemovedSinkTests {
  private let directory: TemporaryDirectory

  /// Twenty requests for two sinks, of which `gone` has delivered five, and `best` is shown them.
  init() throws {
    directory = try TemporaryDirectory()
    let fixture = try DiskFixture(directory)
    let gone = fixture.open("gone")
    _ = fixture.open("stays")
    _ = fixture.open("best", whenFull: .bestEffort)
    for name in UInt8(1)...20 { fixture.store(name, to: ["gone", "stays", "best"]) }
    let batch = gone.nextBatch(limits: Cursor.Limits(itemsMax: 5, bytesMax: 1 << 20))
    gone.advance(past: batch?.lastSequence ?? 0)
    fixture.end()
  }

  @Test("What waited for a removed sink is given up once, by items and bytes; the others go on")
  func removed() throws {
    do {
      let fixture = try DiskFixture(directory)
      let stays = fixture.open("stays")
      let removed = fixture.journal.giveUpRemovedSinks()
      #expect(removed.map { "\($0.sink) \($0.signal)" } == ["gone 0"])
      #expect(removed.first?.pending == Amount(records: 15, items: 15, bytes: 15 * 1256))
      #expect(fixture.journal.giveUpRemovedSinks() == [])
      #expect(stays.status.recovered.items == 20)
      fixture.end()
    }
    let fixture = try DiskFixture(directory)
    let (gone, stays) = (fixture.open("gone"), fixture.open("stays"))
    #expect(fixture.journal.giveUpRemovedSinks() == [])
    #expect(gone.drain() == [], "what was counted as dropped is not delivered")
    #expect(stays.drain() == Array(1...20))
    fixture.store(21, to: ["gone", "stays"])
    #expect(gone.drain() == [21])
  }

  @Test("A best-effort sink that is gone was promised nothing, and a look inside gives nothing up")
  func notRemoved() throws {
    let before = try directory.content("cursors")
    _ = try JournalInspection(DiskDirectory(path: directory.path))
    #expect(try directory.content("cursors") == before)
    let fixture = try DiskFixture(directory)
    let (gone, stays) = (fixture.open("gone"), fixture.open("stays"))
    #expect(fixture.journal.giveUpRemovedSinks() == [])
    #expect(gone.drain().count == 15 && stays.drain().count == 20)
  }

  @Test("A sink that was away while files went misses nothing that damage took")
  func away() throws {
    do {
      let fixture = try DiskFixture(directory)
      let stays = fixture.open("stays")
      _ = fixture.journal.giveUpRemovedSinks()
      for name in UInt8(21)...60 { fixture.store(name, to: ["stays"]) }
      _ = stays.drain()
      fixture.pass()
      fixture.store(61, to: ["stays"])
      fixture.end()
    }
    let fixture = try DiskFixture(directory)
    _ = (fixture.open("gone"), fixture.open("stays"))
    #expect(fixture.metrics.render().contains("otlpd_journal_missing_records 0\n"))
  }

  @Test("Recovered and accepted items are delivered, pending or dropped, for every sink")
  func balance() throws {
    let fixture = try DiskFixture(directory, diskBytes: 40 * 1256)
    let gone = fixture.open("gone", whenFull: .dropOldest)
    let stays = fixture.open("stays")
    try directory.change(directory.segments[0]) { $0[64 + 1100] ^= 1 }
    for name in UInt8(21)...90 {
      fixture.store(name, to: name % 2 == 0 ? ["gone", "stays"] : ["stays"])
      _ = stays.drain()
      fixture.pass()
    }
    for cursor in [gone, stays] {
      let status = cursor.status
      let accepted = status.routed.items - status.recovered.items
      #expect(
        status.recovered.items + accepted == status.advanced.items + status.pending.items + status.dropped.items)
    }
    #expect(gone.status.recovered.items == 15 && gone.status.routed.items == 50)
    #expect(gone.status.dropped.items > 0 && gone.status.damaged.items <= gone.status.dropped.items)
    #expect(stays.status.damaged.items == 1 && stays.status.pending.items == 0)
  }
}
