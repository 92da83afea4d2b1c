// A journal in real files, driven by hand.

import Bytes
import Journal
import SelfTelemetry
import System

/// A journal in a directory; nothing is written before `turn`.
struct DiskFixture {
  let clock = ManualClock()
  let metrics = MetricRegistry()
  let journal: Journal

  init(
    _ directory: TemporaryDirectory, durability: Durability = .disk, memoryBytes: Int = 1 << 20,
    diskBytes: Int = 1 << 20, freeBytesMin: Int = 0, segmentBytes: Int = 4096
  ) throws {
    journal = try Journal.open(
      settings: JournalSettings(
        durability: durability, directory: directory.path, memoryBytesMax: memoryBytes, diskBytesMax: diskBytes,
        freeBytesMin: freeBytesMin, segmentBytes: segmentBytes),
      clock: clock, metrics: metrics, onFailure: { _ in })
  }

  func open(_ sink: String, signal: UInt8 = 0, whenFull: WhenFull = .refuse) -> Cursor {
    journal.openCursor(sink: sink, signal: signal, whenFull: whenFull)
  }

  /// A record whose first byte is its name.
  func record(_ name: UInt8, to sinks: [String], signal: UInt8 = 0, bytes: Int = 1000) -> JournalRecord {
    JournalRecord(
      payload: Bytes([name] + [UInt8](repeating: name, count: bytes - 1)), signal: signal, itemCount: 1,
      routes: journal.routes(to: sinks))
  }

  /// What becomes of the group; nil as long as nothing did.
  func append(_ records: JournalRecord...) -> Lock<AppendOutcome?> {
    let outcome = Lock<AppendOutcome?>(nil)
    journal.append(records) { result in outcome.withLock { $0 = result } }
    return outcome
  }

  /// Appends one record for the sinks and has it written.
  @discardableResult
  func store(_ name: UInt8, to sinks: [String] = ["a"], bytes: Int = 1000) -> AppendOutcome? {
    let outcome = append(record(name, to: sinks, bytes: bytes))
    journal.turn()
    return outcome.value
  }

  /// Lets a second pass, after which the cursors are stored and files go.
  func pass(_ duration: Duration = .seconds(1)) {
    clock.advance(by: duration)
    journal.turn()
  }

  /// Stores the cursors and lets go of the directory, as an orderly end does.
  func end() { journal.finish() }
}

extension Lock<AppendOutcome?> {
  var value: AppendOutcome? { withLock { $0 } }
}
