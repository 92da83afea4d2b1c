// Tests what a journal does on a disk that is full, unreadable in places, or does not answer.

import Bytes
import Journal
import SelfTelemetry
import System
import Testing

@Suite struct FaultyDiskTests {
  private let clock = ManualClock()
  private let disk = SimulatedDisk()

  private func open(_ files: any FileSystem, segmentBytes: Int = 30_000) throws -> Journal {
    let settings = JournalSettings(
      durability: .disk, directory: "", memoryBytesMax: 1 << 20, freeBytesMin: 0, segmentBytes: segmentBytes)
    return try Journal.open(files: files, settings: settings, clock: clock, metrics: MetricRegistry())
  }

  private func append(_ journal: Journal, _ name: UInt8, bytes: Int = 500) -> Lock<AppendOutcome?> {
    let outcome = Lock<AppendOutcome?>(nil)
    let record = JournalRecord(
      payload: Bytes([UInt8](repeating: name, count: bytes)), signal: 0, itemCount: 1,
      routes: journal.routes(to: ["a"]))
    journal.append([record]) { result in outcome.withLock { $0 = result } }
    return outcome
  }

  @Test("ENOSPC, EFBIG and EDQUOT are refused within 2 s, and heal by themselves", arguments: [Int32(28), 27, 122])
  func full(code: Int32) throws {
    let journal = try open(disk)
    let cursor = journal.openCursor(sink: "a", signal: 0, whenFull: .refuse)
    let first = append(journal, 1)
    journal.turn()
    #expect(first.value == .accepted)
    // Every write ends early, after a part of its bytes.
    disk.setFaults(SimulatedDisk.Faults(noSpace: 1, noSpaceCode: code))
    let (late, lucky) = (append(journal, 2), append(journal, 3))
    for _ in 0..<21 where late.value == nil {
      journal.turn()
      clock.advance(by: .milliseconds(100))
    }
    #expect(late.value == .refused(.noSpace) && lucky.value == .refused(.noSpace))
    disk.setFaults(SimulatedDisk.Faults())
    let next = append(journal, 4)
    clock.advance(by: .milliseconds(100))
    journal.turn()
    #expect(next.value == .accepted)
    #expect(cursor.drain() == [1, 4])
    let again = try open(SimulatedDisk(disk.image)).openCursor(sink: "a", signal: 0, whenFull: .refuse)
    #expect(again.drain() == [1, 4], "no torn record is in between")
  }

  @Test(
    "A sector that cannot be read costs the records in its page, and none around it",
    arguments: [(0, 1), (0, 2), (0, 3), (0, 4), (0, 5), (0, 6), (1, 1), (1, 2)])
  func unreadable(file: Int, page: Int) throws {
    let journal = try open(disk)
    _ = journal.openCursor(sink: "a", signal: 0, whenFull: .refuse)
    for name in UInt8(0)..<100 {
      _ = append(journal, name, bytes: 400)
      journal.turn()
    }
    journal.finish()
    var image = disk.image
    let files = image.list.filter { $0.hasSuffix(".segment") }
    #expect(files.count == 2)
    // Behind the first page, whose loss takes the header and with it the file.
    image.spoil(files[file], sector: 8 * page + 3)
    let again = try open(SimulatedDisk(image))
    let names = again.openCursor(sink: "a", signal: 0, whenFull: .refuse).drain()
    let recovery = try #require(again.recovery)
    // A frame is 448 bytes: a page lies in 11 of them at most.
    #expect(names.count >= 89 && names.count <= 91 && names == names.sorted())
    #expect(recovery.missingRecords == 100 - UInt64(names.count) && recovery.quarantinedBytes >= 4096)
  }

  @Test("An unreadable header costs the records of its page, and nothing keeps the journal from starting")
  func unreadableHeader() throws {
    let journal = try open(disk)
    _ = journal.openCursor(sink: "a", signal: 0, whenFull: .refuse)
    for name in UInt8(0)..<100 {
      _ = append(journal, name, bytes: 400)
      journal.turn()
    }
    var image = disk.image
    let files = image.list.filter { $0.hasSuffix(".segment") }
    image.spoil(files[1], sector: 0)
    image.spoil("cursors", sector: 0)
    let again = try open(SimulatedDisk(image))
    let cursor = again.openCursor(sink: "a", signal: 0, whenFull: .refuse)
    let names = cursor.drain()
    // A frame is 448 bytes: those of one page.
    #expect(names.count >= 89 && names.count < 100 && names == names.sorted())
    #expect(names.count == cursor.status.recovered.records)
    #expect(again.recovery?.cursorsLost == true)
    let fresh = append(again, 200)
    again.turn()
    #expect(fresh.value == .accepted && cursor.drain() == [200])
  }

  @Test(
    "Files that cannot be opened for a while cost nothing: a start fails, a sink that lags waits (EIO, EACCES, EMFILE)",
    arguments: [Int32(5), 13, 24])
  func unopenable(code: Int32) throws {
    let first = try open(disk)
    _ = first.openCursor(sink: "a", signal: 0, whenFull: .refuse)
    for name in UInt8(1)...3 { _ = append(first, name) }
    first.turn()
    first.finish()
    disk.setFaults(SimulatedDisk.Faults(openCode: code))
    #expect(throws: JournalError.self) { try open(disk) }
    disk.setFaults(SimulatedDisk.Faults())
    let second = try open(disk)
    let cursor = second.openCursor(sink: "a", signal: 0, whenFull: .refuse)
    disk.setFaults(SimulatedDisk.Faults(openCode: code))
    #expect(cursor.drain() == [])
    #expect(cursor.status.pending.records == 3)
    disk.setFaults(SimulatedDisk.Faults())
    #expect(cursor.drain() == [1, 2, 3])
    #expect(second.recovery?.missingRecords == 0)
  }

  @Test("A file that the file system calls damaged keeps no journal from starting (EUCLEAN)")
  func corrupt() throws {
    let first = try open(disk)
    _ = first.openCursor(sink: "a", signal: 0, whenFull: .refuse)
    _ = append(first, 1)
    first.turn()
    first.finish()
    disk.setFaults(SimulatedDisk.Faults(openCode: 117))
    let second = try open(disk)
    #expect(second.recovery?.records == 0)
    #expect(disk.image.list.contains { $0.hasSuffix(".quarantine") })
    disk.setFaults(SimulatedDisk.Faults())
    let fresh = append(second, 2)
    second.turn()
    #expect(fresh.value == .accepted)
  }

  @Test("A disk that does not answer holds the end up no longer than it may, and says what it kept waiting")
  func hung() throws {
    let journal = try open(disk)
    _ = journal.openCursor(sink: "a", signal: 0, whenFull: .refuse)
    try journal.start()
    let isHung = Lock(true)
    let hasArrived = Lock(false)
    disk.setMoment { () throws(SimulatedDisk.Dead) in
      hasArrived.withLock { $0 = true }
      hasArrived.wakeAll()
      _ = isHung.wait(until: nil) { $0 ? nil : true }
    }
    let outcome = append(journal, 1)
    _ = hasArrived.wait(until: nil) { $0 ? true : nil }
    #expect(journal.finish(within: .milliseconds(50)) == 1)
    #expect(outcome.value == nil, "nobody was told that it is safe")
    isHung.withLock { $0 = false }
    isHung.wakeAll()
    #expect(journal.finish() == 0)
    #expect(outcome.value == .accepted)
  }
}
