// Tests the journal's bounds when nobody sets them.

import Bytes
import Journal
import SelfTelemetry
import System
import Testing

@Suite struct JournalSettingsTests {
  @Test("Without a word a journal holds 1 GiB on disk, of which 32 MiB in memory, or 64 MiB in memory alone")
  func defaults() {
    let disk = JournalSettings(durability: .disk, directory: "")
    #expect(disk.diskBytesMax == 1 << 30 && disk.memoryBytesMax == 32 << 20 && disk.freeBytesMin == nil)
    #expect(disk.patience == .seconds(2))
    #expect(JournalSettings().bytesMax == 64 << 20)
  }

  /// In MiB.
  @Test("A file is a sixteenth of all, between 1 and 64 MiB", arguments: [(1024, 64), (9999, 64), (160, 10), (2, 1)])
  func segments(all: Int, segment: Int) {
    let settings = JournalSettings(durability: .disk, directory: "", diskBytesMax: all << 20)
    #expect(settings.segmentBytes == segment << 20)
  }

  /// In MiB.
  @Test("The smaller of 512 MiB and 5 % of the file system stays free", arguments: [(100_000, 512), (1000, 50)])
  func freeSpace(all: Int, stays: Int) throws {
    let (total, least) = (all << 20, stays << 20)
    let (disk, clock) = (SimulatedDisk(), ManualClock())
    disk.setFree(least - 1, of: total)
    let journal = try Journal.open(
      files: disk, settings: JournalSettings(durability: .disk, directory: ""), clock: clock, metrics: MetricRegistry())
    _ = journal.openCursor(sink: "a", signal: 0, whenFull: .refuse)
    func append() -> Lock<AppendOutcome?> {
      let outcome = Lock<AppendOutcome?>(nil)
      let record = JournalRecord(payload: Bytes([1]), signal: 0, itemCount: 1, routes: journal.routes(to: ["a"]))
      journal.append([record]) { result in outcome.withLock { $0 = result } }
      journal.turn()
      return outcome
    }
    let early = append()
    #expect(early.value == nil)
    clock.advance(by: .seconds(2))
    journal.turn()
    #expect(early.value == .refused(.noSpace))
    disk.setFree(least, of: total)
    clock.advance(by: .milliseconds(100))
    #expect(append().value == .accepted)
  }
}
