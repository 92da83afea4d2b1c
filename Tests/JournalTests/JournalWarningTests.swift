// Tests that the journal warns before it is full, once, and takes the warning back.

import Bytes
import Journal
import SelfTelemetry
import System
import Testing

@Suite struct JournalWarningTests {
  private let directory: TemporaryDirectory
  private let changes = Lock<[JournalWarning.Change]>([])

  init() throws { directory = try TemporaryDirectory() }

  private var told: [String] {
    changes.withLock { $0.map { "\($0.warning.rawValue) \($0.isRaised) \($0.slowest ?? "-")" } }
  }

  @Test("At 80 % of the journal it warns once, and is content again below 70 %", arguments: [Durability.memory, .disk])
  func nearlyFull(durability: Durability) throws {
    let clock = ManualClock()
    let metrics = MetricRegistry()
    let settings = JournalSettings(
      durability: durability, directory: directory.path, memoryBytesMax: 10_000, diskBytesMax: 10_000,
      freeBytesMin: 0, segmentBytes: 1)
    let journal = try Journal.open(
      settings: settings, clock: clock, metrics: metrics,
      onWarning: { change in changes.withLock { $0.append(change) } },
      onFailure: { _ in })
    let cursor = journal.openCursor(sink: "a", signal: 0, whenFull: .refuse)
    let routes = journal.routes(to: ["a"])
    func append() {
      journal.append([
        JournalRecord(payload: Bytes([UInt8](repeating: 1, count: 744)), signal: 0, itemCount: 1, routes: routes)
      ]) { _ in }
      journal.turn()
    }
    for _ in 1...7 { append() }
    #expect(told == [] && journal.warnings == [])
    for _ in 1...2 { append() }
    #expect(told == ["nearly_full true a"] && journal.warnings == [.nearlyFull])
    #expect(metrics.render().contains("otlpd_journal_warning{kind=\"nearly_full\"} 1\n"))
    func settle(_ sequence: UInt64) {
      cursor.advance(past: sequence)
      clock.advance(by: .seconds(1))
      journal.turn()
    }
    settle(2)
    #expect(journal.warnings == [.nearlyFull], "70 % is not below 70 %")
    settle(3)
    #expect(told == ["nearly_full true a", "nearly_full false a"] && journal.warnings == [])
    #expect(metrics.render().contains("otlpd_journal_warning{kind=\"nearly_full\"} 0\n"))
  }

  @Test("It warns when the disk has hardly more free than what stays free, also when nothing is written")
  func lowSpace() throws {
    let clock = ManualClock()
    let disk = SimulatedDisk()
    let settings = JournalSettings(durability: .disk, directory: "", freeBytesMin: 1 << 30)
    let journal = try Journal.open(
      files: disk, settings: settings, clock: clock, metrics: MetricRegistry(),
      onWarning: { change in changes.withLock { $0.append(change) } })
    for free in [2 << 30, 5 << 28, 9 << 27, 11 << 27, 2 << 30] {
      disk.setFree(free)
      clock.advance(by: .seconds(1))
      journal.turn()
    }
    #expect(told == ["low_space true -", "low_space false -"])
    #expect(changes.withLock { $0.map(\.bytes) } == [5 << 28, 2 << 30])
  }
}
