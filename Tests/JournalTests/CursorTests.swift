// Tests what a cursor reads, and what becomes of it.

import Bytes
import Journal
import SelfTelemetry
import System
import Testing

@Suite struct CursorTests {
  private let all = Cursor.Limits(itemsMax: .max, bytesMax: .max)

  @Test("A cursor reads its own sink's records of its own signal, in order")
  func routes() {
    let fixture = Fixture(records: 20)
    let aTraces = fixture.journal.openCursor(sink: "a", signal: 0, whenFull: .refuse)
    let bTraces = fixture.journal.openCursor(sink: "b", signal: 0, whenFull: .refuse)
    let bLogs = fixture.journal.openCursor(sink: "b", signal: 2, whenFull: .refuse)
    fixture.append(fixture.record(1, to: ["a"]), fixture.record(2, to: ["b"]))
    fixture.append(fixture.record(3, to: ["a"], signal: 2), fixture.record(4, to: ["b", "a"], signal: 2))
    fixture.append(fixture.record(5, to: ["b", "a", "b"]))
    #expect(aTraces.drain() == [1, 5])
    #expect(bTraces.drain() == [2, 5])
    #expect(bLogs.drain() == [4])
    #expect(fixture.journal.usage.records == 0)
  }

  @Test("The same sinks are the same route, in any order")
  func interned() {
    let journal = Fixture(records: 1).journal
    #expect(journal.routes(to: ["a", "b"]) == journal.routes(to: ["b", "a", "a"]))
    #expect(journal.routes(to: ["a"]) != journal.routes(to: ["b"]))
  }

  @Test("Reading moves nothing; advancing does")
  func peeks() {
    let fixture = Fixture(records: 9)
    let cursor = fixture.journal.openCursor(sink: "a", signal: 0, whenFull: .refuse)
    #expect(cursor.nextBatch(limits: all) == nil)
    for name in UInt8(1)...3 { fixture.append(fixture.record(name, to: ["a"])) }
    #expect(cursor.nextBatch(limits: all)?.names == [1, 2, 3])
    #expect(cursor.nextBatch(limits: all)?.names == [1, 2, 3])
    #expect(cursor.advance(past: 2).records == 2)
    #expect(cursor.nextBatch(limits: all)?.names == [3])
    #expect(cursor.advance(past: 1).records == 0, "never goes back")
    #expect(cursor.status.position == 3)
  }

  @Test("A batch stays within its limits, but holds one record at least")
  func limits() {
    let fixture = Fixture(records: 20)
    let cursor = fixture.journal.openCursor(sink: "a", signal: 0, whenFull: .refuse)
    for name in UInt8(1)...4 { fixture.append(fixture.record(name, to: ["a"], items: 10)) }
    #expect(cursor.nextBatch(limits: Cursor.Limits(itemsMax: 30, bytesMax: .max))?.names == [1, 2, 3])
    #expect(cursor.nextBatch(limits: Cursor.Limits(itemsMax: 29, bytesMax: .max))?.names == [1, 2])
    #expect(cursor.nextBatch(limits: Cursor.Limits(itemsMax: .max, bytesMax: 200))?.names == [1, 2])
    #expect(cursor.nextBatch(limits: Cursor.Limits(itemsMax: 1, bytesMax: 1))?.names == [1])
  }

  @Test("A batch stays valid when its cursor is pushed forward, and is not counted twice")
  func pushedWhileReading() {
    let fixture = Fixture(records: 3)
    let cursor = fixture.journal.openCursor(sink: "a", signal: 0, whenFull: .dropOldest)
    for name in UInt8(1)...3 { fixture.append(fixture.record(name, to: ["a"])) }
    let batch = cursor.nextBatch(limits: all)
    fixture.append(fixture.record(4, to: ["a"]))
    fixture.append(fixture.record(5, to: ["a"]))
    #expect(batch?.names == [1, 2, 3])
    #expect(batch?.entries.map(\.payload.count) == [100, 100, 100])
    #expect(cursor.advance(past: batch?.lastSequence ?? 0).records == 1, "two of the three were counted as dropped")
    #expect(cursor.status.dropped.records == 2)
    #expect(cursor.drain() == [4, 5])
  }

  @Test("A cursor with nothing pending holds nothing back")
  func idle() {
    let fixture = Fixture(records: 2)
    let traces = fixture.journal.openCursor(sink: "a", signal: 0, whenFull: .refuse)
    let logs = fixture.journal.openCursor(sink: "a", signal: 2, whenFull: .refuse)
    for name in UInt8(1)...9 {
      #expect(fixture.append(fixture.record(name, to: ["a"])) == .accepted)
      #expect(traces.drain() == [name])
    }
    #expect(logs.status.position == 10)
  }

  @Test("A sink that comes late starts with the oldest record that is for it")
  func late() {
    let fixture = Fixture(records: 9)
    let early = fixture.journal.openCursor(sink: "a", signal: 0, whenFull: .refuse)
    fixture.append(fixture.record(1, to: ["a"]))
    fixture.append(fixture.record(2, to: ["a", "b"]))
    fixture.append(fixture.record(3, to: ["a"]))
    let late = fixture.journal.openCursor(sink: "b", signal: 0, whenFull: .refuse)
    #expect(late.status.pending.records == 1)
    #expect(early.drain() == [1, 2, 3])
    #expect(late.drain() == [2])
  }

  @Test("A sink that goes holds nothing back any more")
  func close() {
    let fixture = Fixture(records: 2)
    let cursor = fixture.journal.openCursor(sink: "a", signal: 0, whenFull: .refuse)
    fixture.append(fixture.record(1, to: ["a"], items: 4), fixture.record(2, to: ["a"]))
    #expect(cursor.close().items == 5)
    #expect(fixture.journal.usage.bytes == 0)
    #expect(fixture.append(fixture.record(3, to: ["a"])) == .accepted)
  }

  @Test("A backlog of thousands is read in order, and its room is given back")
  func growth() {
    let fixture = Fixture(records: 20_000)
    let cursor = fixture.journal.openCursor(sink: "a", signal: 0, whenFull: .refuse)
    let expected = (0..<20_000).map { UInt8(truncatingIfNeeded: $0) }
    for name in expected { fixture.append(fixture.record(name, to: ["a"])) }
    #expect(fixture.append(fixture.record(0, to: ["a"])) == .refused(.full))
    #expect(cursor.drain() == expected)
    let empty = Journal.Usage(
      records: 0, bytes: 0, capacityBytes: 20_000 * (100 + overhead), oldestAge: .zero)
    #expect(fixture.journal.usage == empty)
    fixture.append(fixture.record(7, to: ["a"]))
    #expect(cursor.drain() == [7])
  }
}
