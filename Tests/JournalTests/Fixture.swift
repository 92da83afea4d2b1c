// What the journal's tests share: a small journal, and records of a known size.

import Bytes
import Journal
import SelfTelemetry
import System

let overhead = JournalSettings.recordOverheadBytes

/// A journal with room for `records` records of 100 bytes.
struct Fixture {
  let clock = ManualClock()
  let metrics = MetricRegistry()
  let journal: Journal

  init(records: Int) {
    journal = Journal(
      settings: JournalSettings(memoryBytesMax: records * (100 + overhead)), clock: clock, metrics: metrics)
  }

  /// A record of 100 bytes whose first byte is its name.
  func record(_ name: UInt8, to sinks: [String], signal: UInt8 = 0, items: Int = 1, bytes: Int = 100) -> JournalRecord {
    JournalRecord(
      payload: Bytes([name] + [UInt8](repeating: 0, count: bytes - 1)), signal: signal, itemCount: items,
      routes: journal.routes(to: sinks))
  }

  /// Appends a group, and returns what became of it.
  @discardableResult
  func append(_ records: JournalRecord...) -> AppendOutcome? {
    let outcome = Lock<AppendOutcome?>(nil)
    journal.append(records) { result in outcome.withLock { $0 = result } }
    return outcome.withLock { $0 }
  }
}

extension Cursor {
  /// Reads and settles everything there is; the names of the records.
  func drain() -> [UInt8] {
    var names: [UInt8] = []
    while let batch = nextBatch(limits: Limits(itemsMax: 3, bytesMax: 1 << 20)) {
      names += batch.names
      advance(past: batch.lastSequence)
    }
    return names
  }
}

extension Cursor.Batch {
  var names: [UInt8] { entries.map { $0.payload[0] } }
}

/// A reproducible source of random numbers (SplitMix64).
struct SeededRandom: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}
