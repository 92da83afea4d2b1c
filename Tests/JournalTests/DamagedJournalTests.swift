// Tests that a journal starts after whatever happened to its files, and counts what is lost.

import Bytes
import Journal
import SelfTelemetry
import System
import Testing

@Suite struct DamagedJournalTests {
  private let directory: TemporaryDirectory

  /// Two files of ten records each, both acknowledged; the second is the newest.
  init() throws {
    directory = try TemporaryDirectory()
    let fixture = try DiskFixture(directory, segmentBytes: 10_000)
    _ = fixture.open("a")
    for name in UInt8(1)...20 { fixture.store(name, bytes: 1000) }
    fixture.end()
    try #require(directory.segments.count == 2)
  }

  private func recover() throws -> (names: [UInt8], report: RecoveryReport) {
    let fixture = try DiskFixture(directory)
    let names = fixture.open("a").drain()
    #expect(fixture.store(99) == .accepted)
    return (names, try #require(fixture.journal.recovery))
  }

  @Test("After an orderly stop, a damaged end is known to have been acknowledged, and is put aside")
  func damagedEnd() throws {
    let name = try #require(directory.segments.last)
    try directory.change(name) { bytes in bytes[bytes.count - 20] ^= 1 }
    let (names, report) = try recover()
    #expect(names == Array(1...19))
    #expect(report.truncatedBytes == 0)
    #expect(report.quarantinedBytes > 1000)
  }

  @Test("A flipped bit anywhere costs one record at most, and is counted", arguments: 0..<60)
  func flippedBit(seed: UInt64) throws {
    var random = SeededRandom(state: seed)
    let name = directory.segments[Int.random(in: 0...1, using: &random)]
    try directory.change(name) { bytes in
      let index = Int.random(in: 64..<bytes.count, using: &random)
      bytes[index] ^= 1 << UInt8.random(in: 0...7, using: &random)
    }
    let (names, report) = try recover()
    #expect(names.count >= 19)
    #expect(names == names.sorted())
    if names.count == 19 {
      #expect(report.quarantinedBytes > 0 || report.truncatedBytes > 0)
      // Behind the last record of the newest file nothing is known to be missing.
      #expect(report.missingRecords == 1 || !names.contains(20))
    }
  }

  @Test("A damaged first record is counted once")
  func firstRecord() throws {
    try directory.change(directory.segments[0]) { $0[100] ^= 1 }
    let fixture = try DiskFixture(directory)
    #expect(fixture.open("a").drain() == Array(2...20))
    #expect(fixture.metrics.render().contains("otlpd_journal_missing_records 1\n"))
  }

  @Test("A damaged header costs nothing: the records say by their checksums whose they are", arguments: [0, 1])
  func header(index: Int) throws {
    try directory.change(directory.segments[index]) { $0[3] ^= 1 }
    let (names, report) = try recover()
    #expect(names == Array(1...20))
    #expect(report.missingRecords == 0)
  }

  @Test("A file without a header and without a record is kept aside", arguments: [0, 1])
  func strangeFile(index: Int) throws {
    let name = directory.segments[index]
    try directory.change(name) { bytes in bytes = [UInt8](repeating: 0x5A, count: bytes.count) }
    let (names, report) = try recover()
    #expect(names.count == 10)
    #expect(report.quarantinedBytes > 10_000)
    #expect(directory.names.contains(name + ".quarantine"))
  }

  @Test("Whatever hangs behind the last record is cut off", arguments: [1, 7, 40, 513, 5000])
  func garbage(count: Int) throws {
    var random = SeededRandom(state: UInt64(count))
    try directory.change(directory.segments[1]) { bytes in
      for _ in 0..<count { bytes.append(UInt8.random(in: 0...255, using: &random)) }
    }
    let (names, report) = try recover()
    #expect(names == Array(1...20))
    #expect(report.truncatedBytes == count)
  }

  @Test("A file cut anywhere keeps the records before the cut", arguments: [1, 63, 64, 65, 900, 1200, 5000, 9000])
  func cut(size: Int) throws {
    try directory.change(directory.segments[1]) { $0.removeLast($0.count - size) }
    let (names, _) = try recover()
    #expect(names.count >= 10)
    #expect(names == Array(1...UInt8(names.count)))
  }

  @Test("A file that is gone is a gap that is counted")
  func missingFile() throws {
    try Directory(path: directory.path).remove(directory.segments[0])
    let fixture = try DiskFixture(directory)
    #expect(fixture.open("a").drain() == Array(11...20))
    #expect(fixture.metrics.render().contains("otlpd_journal_missing_records 10\n"))
  }

  @Test("Without their file, cursors begin at the oldest record", arguments: [true, false])
  func lostCursors(isDamaged: Bool) throws {
    if isDamaged {
      try directory.change("cursors") { $0[30] ^= 1 }
    } else {
      try Directory(path: directory.path).remove("cursors")
    }
    let (names, report) = try recover()
    #expect(names == Array(1...20))
    #expect(report.cursorsLost == isDamaged)
  }

  @Test("Cursors of another journal say nothing")
  func foreignCursors() throws {
    let other = try TemporaryDirectory()
    do {
      let fixture = try DiskFixture(other)
      let cursor = fixture.open("a")
      for name in UInt8(1)...15 { fixture.store(name) }
      #expect(cursor.drain().count == 15)
      fixture.end()
    }
    let foreign = try other.content("cursors")
    try directory.change("cursors") { $0 = foreign }
    #expect(try recover().names == Array(1...20))
  }

  @Test("Files of a later version are refused by name, and nothing is changed")
  func laterVersion() throws {
    let name = directory.segments[0]
    try directory.change(name) { bytes in
      bytes[8] = 2
      let checksum = Checksum.crc32(bytes[..<60])
      for byte in 0..<4 { bytes[60 + byte] = UInt8(truncatingIfNeeded: checksum >> (8 * byte)) }
    }
    let before = directory.names
    #expect {
      _ = try DiskFixture(directory)
    } throws: { error in
      guard case JournalError.incompatible(let file, let version, _) = error else { return false }
      return file == name && version == 2
    }
    #expect(directory.names == before)
  }

  @Test("A record damaged while the journal runs is dropped for its sink, counted, and the next one follows")
  func damagedWhileRunning() throws {
    let fixture = try DiskFixture(directory)
    let cursor = fixture.open("a")
    try directory.change(directory.segments[0]) { $0[64 + 1100 * 2] ^= 1 }
    let names = cursor.drain()
    #expect(names.count == 19)
    #expect(cursor.status.dropped.items == 1)
    #expect(fixture.metrics.render().contains("otlpd_journal_unreadable_records 1\n"))
  }
}

/// CRC-32 in its plainest form, apart from the library that the journal uses.
enum Checksum {
  static func crc32(_ bytes: some Sequence<UInt8>) -> UInt32 {
    var value: UInt32 = .max
    for byte in bytes {
      value ^= UInt32(byte)
      for _ in 0..<8 { value = value & 1 == 1 ? value >> 1 ^ 0xEDB8_8320 : value >> 1 }
    }
    return ~value
  }
}
