// Tests the journal between several threads.

import Bytes
import Journal
import SelfTelemetry
import System
import Testing

@Suite struct JournalConcurrencyTests {
  private static let producers = 4
  private static let recordsEach = 5_000

  /// What a reader saw, and the bell that tells it that there may be more.
  private final class Reader: Sendable {
    let seen = Lock<[Int]>([])
    let bell = Lock(false)

    func ring() {
      bell.withLock { $0 = true }
      bell.wakeAll()
    }

    /// Reads until `count` records are there.
    func run(_ cursor: Cursor, count: Int) {
      while seen.withLock({ $0.count }) < count {
        if let batch = cursor.nextBatch(limits: Cursor.Limits(itemsMax: 64, bytesMax: 1 << 20)) {
          let numbers = batch.entries.map { Int($0.payload.text) ?? -1 }
          seen.withLock { $0 += numbers }
          cursor.advance(past: batch.lastSequence)
        } else if !cursor.setAlarm(Cursor.Alarm(items: 0)) {
          _ = bell.wait(until: nil) { rung in
            defer { rung = false }
            return rung ? true : nil
          }
        }
      }
    }
  }

  @Test("Several producers and readers: every reader gets every accepted record once, in each producer's order")
  func exact() throws {
    let journal = Journal(
      settings: JournalSettings(memoryBytesMax: 200 * (10 + overhead)), clock: SystemClock(),
      metrics: MetricRegistry())
    let total = JournalConcurrencyTests.producers * JournalConcurrencyTests.recordsEach
    let readers = ["a", "b", "c"].map { (sink: $0, reader: Reader()) }
    var threads: [Thread] = []
    for (sink, reader) in readers {
      let cursor = journal.openCursor(sink: sink, signal: 0, whenFull: .refuse) { reader.ring() }
      threads.append(try Thread(name: sink) { reader.run(cursor, count: total) })
    }
    let routes = journal.routes(to: ["a", "b", "c"])
    for producer in 0..<JournalConcurrencyTests.producers {
      threads.append(
        try Thread(name: "producer") {
          for number in 0..<JournalConcurrencyTests.recordsEach {
            let payload = Bytes("\(number * JournalConcurrencyTests.producers + producer)")
            let record = JournalRecord(payload: payload, signal: 0, itemCount: 1, routes: routes)
            let accepted = Counter()
            while accepted.value == 0 {
              journal.append([record]) { if $0 == .accepted { accepted.add() } }
              if accepted.value == 0 { yieldProcessor() }
            }
          }
        })
    }
    for thread in threads { thread.join() }
    let seen = readers.map { $0.reader.seen.withLock { $0 } }
    #expect(seen[0].sorted() == Array(0..<total))
    #expect(seen[1] == seen[0], "one sequence for all")
    #expect(seen[2] == seen[0])
    for producer in 0..<JournalConcurrencyTests.producers {
      let mine = seen[0].filter { $0 % JournalConcurrencyTests.producers == producer }
      #expect(mine == mine.sorted())
    }
    #expect(journal.usage.records == 0)
  }

  /// Lets the readers run when the journal is full.
  private func yieldProcessor() {
    let pause = Lock(())
    let soon = SystemClock().monotonic + .microseconds(200)
    _ = pause.wait(until: soon) { _ in Bool?.none }
  }
}
