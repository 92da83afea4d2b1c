// Tests that a journal's directory can be looked into without changing it.

import Bytes
import Journal
import System
import Testing

@Suite struct JournalInspectionTests {
  private let directory: TemporaryDirectory

  /// Twenty records in two files; `a` has the first five, `b` none.
  init() throws {
    directory = try TemporaryDirectory()
    let fixture = try DiskFixture(directory, segmentBytes: 10_000)
    let (a, _) = (fixture.open("a"), fixture.open("b"))
    for name in UInt8(1)...20 { fixture.store(name, to: ["a", "b"]) }
    a.advance(past: 5)
    fixture.end()
  }

  private func inspect(_ each: (JournalInspection.Record) -> Void = { _ in }) throws -> JournalInspection {
    let before = try directory.names.map { try directory.content($0) }
    let inspection = try JournalInspection(DiskDirectory(path: directory.path), each: each)
    #expect(try directory.names.map { try directory.content($0) } == before)
    return inspection
  }

  @Test("Records, files and what each sink has yet to get are shown")
  func contents() throws {
    var names: [UInt8] = []
    let inspection = try inspect { names.append($0.payload[0]) }
    #expect(names == Array(1...20))
    #expect(inspection.segments.map(\.records) == [10, 10])
    #expect(inspection.segments.map(\.first) == [1, 11])
    #expect(inspection.positions.map(\.sink) == ["a", "b"])
    #expect(inspection.positions.map(\.pendingRecords) == [15, 20])
    #expect(!inspection.isDamaged)
  }

  @Test("Damage is shown where it is")
  func damage() throws {
    try directory.change(directory.segments[0]) { $0[3000] ^= 4 }
    try directory.change(directory.segments[1]) { $0 += [1, 2, 3] }
    let inspection = try inspect()
    #expect(inspection.isDamaged)
    #expect(inspection.segments.map(\.missingRecords) == [1, 0])
    #expect(inspection.segments[0].damagedBytes > 1000)
    #expect(inspection.segments[1].trailingBytes == 3)
  }

  @Test("An unfinished end is no damage")
  func unfinished() throws {
    try directory.change(directory.segments[1]) { $0 += [UInt8](repeating: 0, count: 100) }
    #expect(try !inspect().isDamaged)
  }
}
