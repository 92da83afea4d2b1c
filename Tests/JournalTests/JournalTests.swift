// Tests what an append comes to, and who pays when the journal is full.

import Bytes
import Journal
import SelfTelemetry
import System
import Testing

@Suite struct JournalTests {
  @Test("A full journal refuses while a durable sink lags, and takes more once that caught up")
  func refuses() {
    let fixture = Fixture(records: 3)
    let cursor = fixture.journal.openCursor(sink: "a", signal: 0, whenFull: .refuse)
    for name in UInt8(1)...3 { #expect(fixture.append(fixture.record(name, to: ["a"])) == .accepted) }
    #expect(fixture.append(fixture.record(4, to: ["a"])) == .refused(.full))
    let batch = cursor.nextBatch(limits: Cursor.Limits(itemsMax: 1, bytesMax: 1000))
    #expect(batch?.names == [1])
    #expect(fixture.append(fixture.record(4, to: ["a"])) == .refused(.full), "a batch read is not yet delivered")
    cursor.advance(past: batch?.lastSequence ?? 0)
    #expect(fixture.append(fixture.record(5, to: ["a"])) == .accepted)
    #expect(cursor.drain() == [2, 3, 5])
    #expect(fixture.metrics.render().contains("otlpd_journal_refused_groups{reason=\"full\"} 2\n"))
  }

  @Test("A sink that may lose its oldest loses only its own, and the others lose nothing")
  func dropsOldest() {
    let fixture = Fixture(records: 3)
    let lossy = fixture.journal.openCursor(sink: "lossy", signal: 0, whenFull: .dropOldest)
    let durable = fixture.journal.openCursor(sink: "durable", signal: 0, whenFull: .refuse)
    var seen: [UInt8] = []
    for name in UInt8(1)...10 {
      #expect(fixture.append(fixture.record(name, to: ["lossy", "durable"], items: 2)) == .accepted)
      seen += durable.drain()
    }
    #expect(seen == Array(1...10))
    #expect(lossy.status.dropped.items == 14)
    #expect(lossy.drain() == [8, 9, 10])
    #expect(durable.status.dropped.items == 0)
  }

  @Test("A refusing sink's lag is not paid by dropping another sink's items")
  func refusesBeforeDropping() {
    let fixture = Fixture(records: 3)
    let lossy = fixture.journal.openCursor(sink: "lossy", signal: 0, whenFull: .dropOldest)
    let durable = fixture.journal.openCursor(sink: "durable", signal: 0, whenFull: .refuse)
    fixture.append(fixture.record(1, to: ["lossy"]))
    fixture.append(fixture.record(2, to: ["durable"]))
    fixture.append(fixture.record(3, to: ["lossy"]))
    let group = [fixture.record(4, to: ["lossy"]), fixture.record(5, to: ["lossy"])]
    fixture.journal.append(group) { #expect($0 == .refused(.full)) }
    #expect(lossy.status.dropped.items == 0, "dropping record 1 would not have been enough")
    #expect(fixture.append(fixture.record(6, to: ["durable"])) == .accepted)
    #expect(lossy.drain() == [3])
    #expect(lossy.status.dropped.items == 1)
    #expect(durable.drain() == [2, 6])
  }

  @Test("A best-effort sink holds nothing back, and its loss is counted")
  func bestEffort() {
    let fixture = Fixture(records: 2)
    let debug = fixture.journal.openCursor(sink: "debug", signal: 0, whenFull: .bestEffort)
    let store = fixture.journal.openCursor(sink: "store", signal: 0, whenFull: .refuse)
    for name in UInt8(1)...9 {
      #expect(fixture.append(fixture.record(name, to: ["debug", "store"])) == .accepted)
      #expect(store.drain() == [name])
    }
    #expect(debug.drain() == [8, 9])
    #expect(debug.status.dropped.items == 7)
  }

  @Test("What only best-effort sinks want is accepted when there is no room, and takes none from durable sinks")
  func bestEffortOnly() {
    let fixture = Fixture(records: 2)
    let debug = fixture.journal.openCursor(sink: "debug", signal: 0, whenFull: .bestEffort)
    let lossy = fixture.journal.openCursor(sink: "lossy", signal: 0, whenFull: .dropOldest)
    fixture.append(fixture.record(1, to: ["lossy"]))
    fixture.append(fixture.record(2, to: ["lossy"]))
    #expect(fixture.append(fixture.record(3, to: ["debug"], items: 5)) == .accepted)
    #expect(fixture.append(fixture.record(4, to: ["debug"], bytes: 10_000)) == .accepted)
    #expect(debug.status.dropped.items == 6)
    #expect(lossy.drain() == [1, 2])
    #expect(debug.drain() == [])
  }

  @Test("A group is taken whole or not at all")
  func groups() {
    let fixture = Fixture(records: 3)
    let cursor = fixture.journal.openCursor(sink: "a", signal: 0, whenFull: .refuse)
    fixture.append(fixture.record(1, to: ["a"]), fixture.record(2, to: ["a"]))
    #expect(fixture.append(fixture.record(3, to: ["a"]), fixture.record(4, to: ["a"])) == .refused(.full))
    #expect(fixture.append(fixture.record(5, to: ["a"])) == .accepted)
    #expect(cursor.drain() == [1, 2, 5])
  }

  @Test("What can never fit is refused for another reason than what may fit later")
  func tooLarge() {
    let fixture = Fixture(records: 2)
    let cursor = fixture.journal.openCursor(sink: "a", signal: 0, whenFull: .dropOldest)
    fixture.append(fixture.record(1, to: ["a"]))
    #expect(fixture.append(fixture.record(2, to: ["a"], bytes: 600)) == .refused(.tooLarge))
    #expect(fixture.append(fixture.record(3, to: ["a"], bytes: 200 + overhead)) == .accepted, "exactly the bound")
    #expect(cursor.drain() == [3])
  }

  @Test("What no sink wants is accepted, counted and forgotten")
  func unwanted() {
    let fixture = Fixture(records: 1)
    let cursor = fixture.journal.openCursor(sink: "a", signal: 0, whenFull: .refuse)
    for name in UInt8(1)...5 {
      #expect(fixture.append(fixture.record(name, to: ["gone"], items: 2)) == .accepted)
      #expect(fixture.append(fixture.record(name, to: ["a"], signal: 1, items: 1)) == .accepted)
    }
    #expect(fixture.journal.usage.records == 0)
    #expect(fixture.metrics.render().contains("otlpd_journal_unwanted_items 15\n"))
    #expect(cursor.status.routed == Amount())
  }

  @Test("A completion runs outside the lock: it may append and read")
  func completion() {
    let fixture = Fixture(records: 4)
    let cursor = fixture.journal.openCursor(sink: "a", signal: 0, whenFull: .refuse)
    let seen = Lock<[UInt8]>([])
    let second = fixture.record(2, to: ["a"])
    fixture.journal.append([fixture.record(1, to: ["a"])]) { [journal = fixture.journal] _ in
      journal.append([second]) { _ in
        let names = cursor.drain()
        seen.withLock { $0 = names }
      }
    }
    #expect(seen.withLock { $0 } == [1, 2])
  }

  @Test("An append wakes a sink outside the lock, once per alarm and when it is reached")
  func alarms() {
    let fixture = Fixture(records: 9)
    let wakes = Counter()
    let cursorHolder = Lock<Cursor?>(nil)
    let cursor = fixture.journal.openCursor(sink: "a", signal: 0, whenFull: .refuse) {
      _ = cursorHolder.withLock { $0 }?.status
      wakes.add()
    }
    cursorHolder.withLock { $0 = cursor }
    fixture.append(fixture.record(1, to: ["a"]))
    #expect(wakes.value == 0, "without an alarm nobody is woken")
    #expect(cursor.setAlarm(Cursor.Alarm(items: 0)))
    #expect(!cursor.setAlarm(Cursor.Alarm(items: 3)))
    fixture.append(fixture.record(2, to: ["a"]))
    fixture.append(fixture.record(3, to: ["b"]))
    #expect(wakes.value == 0)
    fixture.append(fixture.record(4, to: ["a"]))
    #expect(wakes.value == 1)
    fixture.append(fixture.record(5, to: ["a"]))
    #expect(wakes.value == 1)
    #expect(!cursor.setAlarm(Cursor.Alarm(items: .max, bytes: 5 * (100 + overhead))))
    fixture.append(fixture.record(6, to: ["a"]))
    #expect(wakes.value == 2)
  }

  @Test("A closed journal refuses, and still hands out what it has")
  func closed() {
    let fixture = Fixture(records: 4)
    let cursor = fixture.journal.openCursor(sink: "a", signal: 0, whenFull: .refuse)
    fixture.append(fixture.record(1, to: ["a"]))
    fixture.journal.close()
    #expect(fixture.append(fixture.record(2, to: ["a"])) == .refused(.closed))
    #expect(cursor.drain() == [1])
  }

  @Test("The metrics tell bytes, bound, requests and age")
  func metrics() {
    let fixture = Fixture(records: 4)
    let cursor = fixture.journal.openCursor(sink: "a", signal: 0, whenFull: .refuse)
    fixture.append(fixture.record(1, to: ["a"]))
    fixture.clock.advance(by: .milliseconds(1500))
    fixture.append(fixture.record(2, to: ["a"]))
    let text = fixture.metrics.render()
    #expect(text.contains("\notlpd_journal_bytes \(2 * (100 + overhead))\n"))
    #expect(text.contains("\notlpd_journal_capacity_bytes \(4 * (100 + overhead))\n"))
    #expect(text.contains("\notlpd_journal_records 2\n"))
    #expect(text.contains("\notlpd_journal_oldest_age_seconds 1.5\n"))
    _ = cursor.drain()
    #expect(fixture.metrics.render().contains("\notlpd_journal_oldest_age_seconds 0\n"))
  }
}
