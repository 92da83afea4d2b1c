// The file sink: what it writes can be read again, and a disk that fails leaves no half record.

import Bytes
import Compression
import Glibc
import Journal
import Logging
import OTLP
import Pipeline
import Sinks
import System
import Testing

/// A directory of a test; its file is `telemetry.jsonl`.
private final class Folder {
  let directory = Directory(path: "/tmp/otlpd-file-sink-\(UInt64.random(in: 0 ... .max))")
  var path: String { directory.path(of: "telemetry.jsonl") }

  init() throws { try directory.create() }

  deinit {
    for name in (try? directory.entries()) ?? [] { try? directory.remove(name) }
    _ = unsafe rmdir(directory.path)
  }

  func content(_ name: String = "telemetry.jsonl") throws -> [UInt8] { try SmallFile.read(directory.path(of: name)) }

  func text(_ name: String = "telemetry.jsonl") throws -> String { String(decoding: try content(name), as: UTF8.self) }

  func write(_ text: String) throws {
    _ = try? directory.remove("telemetry.jsonl")
    let file = try DiskDirectory(path: directory.path).create("telemetry.jsonl")
    try file.write(Array(text.utf8).span, at: 0)
  }

  var backups: [String] {
    ((try? directory.entries()) ?? []).filter { $0 != "telemetry.jsonl" && !$0.hasSuffix(".lock") }
  }
}

/// What goes wrong with the next calls, in the order of the calls.
private final class Faults: Sendable {
  enum Fault { case halfWrite, sync, truncate }
  let next = Lock<[Fault]>([])

  func takes(_ fault: Fault) -> Bool {
    next.withLock { next in
      guard next.first == fault else { return false }
      next.removeFirst()
      return true
    }
  }
}

/// A directory whose files fail.
private struct FaultyDirectory: FileSystem {
  let disk: DiskDirectory
  let faults: Faults

  func list() throws(SystemError) -> [String] { try disk.list() }
  func create(_ name: String) throws(SystemError) -> any File { FaultyFile(try disk.create(name), faults) }
  func open(_ name: String) throws(SystemError) -> any File { FaultyFile(try disk.open(name), faults) }
  func rename(_ name: String, to newName: String) throws(SystemError) { try disk.rename(name, to: newName) }
  func remove(_ name: String) throws(SystemError) { try disk.remove(name) }
  func syncDirectory() throws(SystemError) { try disk.syncDirectory() }
  func space() throws(SystemError) -> FileSystemSpace { try disk.space() }
  var isInPlace: Bool { disk.isInPlace }
}

private final class FaultyFile: File {
  let file: any File
  let faults: Faults
  let hasFailed = Lock(false)

  init(_ file: any File, _ faults: Faults) {
    self.file = file
    self.faults = faults
  }

  func size() throws(SystemError) -> Int { try file.size() }
  func write(_ bytes: Span<UInt8>, at offset: Int) throws(SystemError) {
    guard faults.takes(.halfWrite) else { return try file.write(bytes, at: offset) }
    try file.write(bytes.extracting(0..<bytes.count / 2), at: offset)
    throw .noSpace("cannot write")
  }
  func read(at offset: Int, into output: inout OutputRawSpan) throws(SystemError) {
    try file.read(at: offset, into: &output)
  }
  func sync() throws(SystemError) {
    // A file whose sync failed must not be asked again.
    #expect(!hasFailed.withLock { $0 })
    guard faults.takes(.sync) else { return try file.sync() }
    hasFailed.withLock { $0 = true }
    throw SystemError(code: EIO, doing: "cannot sync")
  }
  func truncate(to size: Int) throws(SystemError) {
    if faults.takes(.truncate) { throw SystemError(code: EIO, doing: "cannot truncate") }
    try file.truncate(to: size)
  }
  func reserve(upTo size: Int) throws(SystemError) { try file.reserve(upTo: size) }
}

/// Ways of one append to fail, until it is let through.
private let failures: [[Faults.Fault]] = [
  [.halfWrite], [.sync], [.halfWrite, .truncate], [.sync, .truncate], [.halfWrite, .truncate, .truncate],
]

@Suite struct FileSinkTests {
  private let folder: Folder
  private let clock = ManualClock()

  init() throws { folder = try Folder() }

  private func sink(_ change: (inout FileSinkSettings) -> Void = { _ in }) -> FileSink {
    var settings = FileSinkSettings(path: folder.path)
    change(&settings)
    return FileSink(
      settings: settings, id: "file/x", clock: clock, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
  }

  private func file(_ faults: Faults = Faults(), rotation: FileRotation? = nil) -> RecordFile {
    RecordFile(path: folder.path, form: .lines, rotation: rotation, clock: clock) { (path) throws(SystemError) in
      FaultyDirectory(disk: try DiskDirectory(path: path), faults: faults)
    }
  }

  private func request(_ body: String) throws -> ExportRequest {
    let json = #"{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":{"stringValue":"\#(body)"}}]}]}]}"#
    return try ExportRequest(decoding: Bytes(json), as: .json, signal: .logs)
  }

  private func batch(_ bodies: String...) throws -> Batch {
    Batch(signal: .logs, requests: try bodies.map(request), journalID: JournalID(bits: 1), lastSequence: 1)
  }

  private func line(_ text: String) -> [UInt8] { Array("{\"\(text)\"}\n".utf8) }

  // MARK: What is in the file

  @Test("A request is a record that reads back as the same bytes", arguments: [true, false], [true, false])
  func roundTrips(isJSON: Bool, isCompressed: Bool) throws {
    let sink = sink {
      $0.isJSON = isJSON
      $0.isCompressed = isCompressed
    }
    try sink.start()
    let batch = try batch("a\\nb", "ü", String(repeating: "long ", count: 1000))
    #expect(try sink.export(batch) == nil)
    sink.stop()
    var records: [Bytes] = []
    var rest = try folder.content()[...]
    while !rest.isEmpty {
      let isLines = isJSON && !isCompressed
      let head = isLines ? 0 : 4
      let newline = try #require(isLines ? rest.firstIndex(of: 10) : rest.startIndex)
      let count = isLines ? newline - rest.startIndex : rest.prefix(4).reduce(0) { $0 << 8 | Int($1) }
      let packed = Bytes(Array(rest.dropFirst(head).prefix(count)))
      records.append(isCompressed ? try unpacked(packed) : packed)
      rest = rest.dropFirst(head + count + (isLines ? 1 : 0))
    }
    let read = try records.map { try ExportRequest(decoding: $0, as: isJSON ? .json : .protobuf, signal: .logs) }
    #expect(read.map(\.payload) == batch.requests.map(\.payload))
  }

  private func unpacked(_ packed: Bytes) throws -> Bytes {
    var decompressor = Decompressor()
    return try decompressor.decompress(packed.span, as: .zstd, limit: 1 << 20)
  }

  @Test("A start goes on where the file ends, unless it is to be emptied")
  func appends() throws {
    for bodies in [["first"], ["second"]] {
      let sink = sink()
      try sink.start()
      for body in bodies { _ = try sink.export(batch(body)) }
      sink.stop()
    }
    #expect(try folder.text().split(separator: "\n").count == 2)
    let fresh = sink { $0.truncates = true }
    try fresh.start()
    _ = try fresh.export(batch("third"))
    #expect(try folder.text().split(separator: "\n").count == 1)
  }

  @Test("A record that a kill cut off goes, and those before it stay", arguments: ["", "{\"whole\"}\n"])
  func cutsHalves(whole: String) throws {
    try folder.write(whole + "{\"half")
    let file = file()
    #expect(try file.open() == 6)
    try file.append(line("next").span)
    #expect(try folder.text() == whole + "{\"next\"}\n")
  }

  @Test("A file of something else is left alone")
  func leavesOthersAlone() throws {
    try folder.write("root:x:0:0::/root:/bin/sh")
    #expect(throws: FileSinkError.self) { try sink().start() }
    try folder.write("{\"a line\"}\n")
    #expect(throws: FileSinkError.self) { try sink { $0.isJSON = false }.start() }
    #expect(try folder.text() == "{\"a line\"}\n")
  }

  @Test("Two exporters do not share a file")
  func locks() throws {
    let first = sink()
    try first.start()
    #expect(throws: FileSinkError.self) { try sink().start() }
    first.stop()
    try sink().start()
  }

  // MARK: A disk that fails

  @Test("What fails leaves nothing behind, and is written once when it is tried again", arguments: failures)
  fileprivate func leavesNothing(faults: [Faults.Fault]) throws {
    let disk = Faults()
    let file = file(disk)
    try file.open()
    try file.append(line("first").span)
    disk.next.withLock { $0 = faults }
    for _ in 0..<3 where (try? file.append(line("second").span)) != nil { break }
    #expect(disk.next.withLock { $0.isEmpty })
    try file.append(line("third").span)
    #expect(try folder.text() == "{\"first\"}\n{\"second\"}\n{\"third\"}\n")
  }

  @Test("A failed batch is worth trying again")
  func retries() throws {
    let sink = sink()
    try sink.start()
    try folder.directory.remove("telemetry.jsonl")
    _ = unsafe mkdir(folder.path, 0o700)
    #expect { _ = try sink.export(batch("a")) } throws: { error in
      guard case ExportError.retryable(nil, let reason) = error else { return false }
      return reason.contains("is a directory")
    }
    _ = unsafe rmdir(folder.path)
    _ = try sink.export(batch("a"))
    #expect(try folder.text().split(separator: "\n").count == 1)
  }

  @Test("A file that was moved away or emptied by somebody is begun anew")
  func followsThePath() throws {
    let file = file()
    try file.open()
    try file.append(line("first").span)
    try folder.directory.rename("telemetry.jsonl", to: "moved")
    try file.append(line("second").span)
    #expect(try folder.text("moved") == "{\"first\"}\n")
    #expect(try folder.text() == "{\"second\"}\n")
    try DiskDirectory(path: folder.directory.path).open("telemetry.jsonl").truncate(to: 0)
    try file.append(line("third").span)
    #expect(try folder.text() == "{\"third\"}\n")
  }

  // MARK: Rotation

  @Test("A full file is put aside under the moment's name, and so many of those are kept")
  func rotates() throws {
    let file = file(rotation: FileRotation(bytesMax: 20, backupsMax: 2))
    try file.open()
    for number in 0..<4 {
      // Two in the same millisecond have two names.
      if number > 2 { clock.advance(by: .milliseconds(1500)) }
      try file.append(line("record-\(number)").span)
      try file.append(line("").span)
      _ = file.prune()
    }
    #expect(
      folder.backups == ["telemetry-2025-10-09T08-53-20.001.jsonl", "telemetry-2025-10-09T08-53-21.500.jsonl"])
    #expect(try folder.text(folder.backups[0]) == "{\"record-1\"}\n{\"\"}\n")
    #expect(try folder.text() == "{\"record-3\"}\n{\"\"}\n")
    #expect(file.rotations == 3)
  }

  @Test("Older files go after so many days, and others never do")
  func prunes() throws {
    let file = file(rotation: FileRotation(bytesMax: 1, daysMax: 2))
    try file.open()
    for _ in 0..<5 {
      try file.append(line("x").span)
      clock.advance(by: .seconds(86_400))
    }
    try folder.directory.openFile("telemetry-notes.jsonl").sync(path: "")
    #expect(file.prune() == nil)
    let kept = ["telemetry-2025-10-12T08-53-20.000.jsonl", "telemetry-2025-10-13T08-53-20.000.jsonl"]
    #expect(folder.backups == kept + ["telemetry-notes.jsonl"])
  }

  @Test("A record larger than a file is allowed to be has one of its own")
  func oversize() throws {
    let file = file(rotation: FileRotation(bytesMax: 12))
    try file.open()
    for text in ["a", "much too long", "b"] { try file.append(line(text).span) }
    #expect(folder.backups.count == 2)
    #expect(try folder.text() == "{\"b\"}\n")
  }
}
