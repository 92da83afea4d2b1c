// Files that are damaged, foreign, newer, locked, deleted or out of reach.

import Bytes
import Glibc
import OTLP
import SQLite
import System
import TelemetryStore
import Testing

@Suite struct DamageTests {
  let fixture = Fixture()

  private func makeFile(_ name: String = today, _ text: String) throws {
    try fixture.directory.create()
    _ = try fixture.directory.openFile(name)
    let descriptor = unsafe open(fixture.directory.path(of: name), O_WRONLY)
    _ = unsafe write(descriptor, text, text.utf8.count)
    close(descriptor)
  }

  @Test(
    "A file that is no database is renamed, and the store goes on with a new one",
    arguments: [today, "telemetry-2026-11-02.db"])
  func setsAsideGarbage(name: String) throws {
    try makeFile(name, String(repeating: "no database ", count: 1000))
    let store = try fixture.openStore()
    try store.write(signal: .logs, requests: [.log("a")], journal: 1, lastSequence: 1)
    #expect(store.counts.corruptFiles == 1)
    #expect(try fixture.directory.entries().contains("\(name).corrupt-\(noon / 1_000_000_000)"))
    #expect(try fixture.value("SELECT count(*) FROM logs") == .integer(1))
  }

  @Test("A database of another application is renamed, not written to")
  func setsAsideForeignFiles() throws {
    try fixture.directory.create()
    let other = try Database(path: fixture.directory.path(of: today), mode: .create)
    try other.execute("CREATE TABLE theirs(a)")
    other.close()
    let store = try fixture.openStore()
    #expect(store.counts.corruptFiles == 1)
    let renamed = "\(today).corrupt-\(noon / 1_000_000_000)"
    #expect(try fixture.value("SELECT name FROM sqlite_schema", in: renamed) == .text("theirs"))
  }

  @Test("An empty file is taken as a new one")
  func usesEmptyFiles() throws {
    try makeFile(today, "")
    let store = try fixture.openStore()
    try store.write(signal: .logs, requests: [.log("a")], journal: 1, lastSequence: 1)
    #expect(store.counts.corruptFiles == 0)
  }

  @Test("A file found damaged while writing is renamed, and the batch goes to a new one")
  func setsAsideDamageFoundLater() throws {
    let store = try fixture.openStore()
    try store.write(signal: .traces, requests: [.span(span: 1)], journal: 1, lastSequence: 1)
    store.close()
    // Every page behind the first is overwritten: the header and the schema can still be read.
    let path = fixture.directory.path(of: today)
    let descriptor = unsafe open(path, O_WRONLY)
    let noise = [UInt8](repeating: 0xa5, count: fixture.directory.size(of: today) - 16384)
    _ = unsafe pwrite(descriptor, noise, noise.count, 16384)
    close(descriptor)
    let restarted = try fixture.openStore()
    try restarted.write(signal: .traces, requests: [.span(span: 2)], journal: 1, lastSequence: 2)
    #expect(restarted.counts.corruptFiles == 1)
    #expect(try fixture.value("SELECT count(*) FROM spans") == .integer(1))
  }

  @Test("A file of a newer otlpd is refused and left as it is", arguments: [today, "telemetry-2026-11-02.db"])
  func refusesNewerSchemas(name: String) throws {
    try fixture.directory.create()
    let newer = try Database(path: fixture.directory.path(of: name), mode: .create)
    try newer.execute(
      "PRAGMA application_id = \(StoreSchema.applicationID); PRAGMA user_version = 999; CREATE TABLE t(a)")
    newer.close()
    do {
      try fixture.store().open()
      Issue.record("expected an error")
    } catch {
      #expect(error.kind == .newerSchema)
      #expect(
        error.description == "cannot use \(fixture.directory.path(of: name)): it has schema version 999, "
          + "this otlpd knows up to 1. Install the newer otlpd again, or move the file out of the directory.")
    }
    #expect(try fixture.value("PRAGMA user_version", in: name) == .integer(999))
    #expect(try fixture.directory.entries() == [name])
  }

  @Test("Only today's file is migrated, an older one keeps its version and gives its positions")
  func migratesForward() throws {
    let first = StoreSchema(steps: StoreSchema.current.steps)
    let second = StoreSchema(steps: first.steps + ["ALTER TABLE span_rows ADD COLUMN extra TEXT"])
    let store = fixture.store(schema: first)
    try store.open()
    try store.write(signal: .traces, requests: [.span(span: 1)], journal: 1, lastSequence: 1)
    fixture.clock.advance(by: .seconds(86400))
    try store.write(signal: .traces, requests: [.span(span: 2)], journal: 1, lastSequence: 2)
    store.close()
    let upgraded = fixture.store(schema: second)
    try upgraded.open()
    try upgraded.write(signal: .traces, requests: [.span(span: 3)], journal: 1, lastSequence: 3)
    #expect(try fixture.value("PRAGMA user_version") == .integer(1))
    #expect(try fixture.value("PRAGMA user_version", in: tomorrow) == .integer(2))
    #expect(try fixture.value("SELECT count(*) FROM spans WHERE extra IS NULL", in: tomorrow) == .integer(2))
  }

  @Test("A migration that fails changes nothing")
  func rollsBackMigrations() throws {
    try fixture.openStore().close()
    let broken = StoreSchema(steps: StoreSchema.current.steps + ["CREATE TABLE extra(a); CREATE TABLE extra(a)"])
    let store = fixture.store(schema: broken)
    #expect(throws: StoreError.self) { try store.open() }
    #expect(try fixture.value("PRAGMA user_version") == .integer(1))
    #expect(try fixture.value("SELECT count(*) FROM sqlite_schema WHERE name = 'extra'") == .integer(0))
  }

  @Test("A file deleted while it is open is noticed, and the next batch goes to a new one")
  func recreatesDeletedFiles() throws {
    let store = try fixture.openStore()
    try store.write(signal: .traces, requests: [.span(span: 1)], journal: 1, lastSequence: 1)
    for name in try fixture.directory.entries() { try fixture.directory.remove(name) }
    try store.write(signal: .logs, requests: [.log("a")], journal: 1, lastSequence: 2)
    #expect(store.counts.lostFiles == 1)
    #expect(try fixture.value("SELECT count(*) FROM logs") == .integer(1))
    #expect(try fixture.value("SELECT sequence FROM positions WHERE signal = 'traces'") == .integer(1))
  }

  @Test("A batch committed to a file that was deleted meanwhile is stored again in the new one")
  func storesAgainAfterDeletion() throws {
    let directory = fixture.directory
    // The store asks for the time first to find the day's file, then to stamp the position just before it writes.
    let clock = InterruptingClock(reading: 2) { try? directory.remove(today) }
    let store = TelemetryStore(directory: directory.path, clock: clock, logger: fixture.logger)
    try store.open()
    try store.write(signal: .logs, requests: [.log("a")], journal: 1, lastSequence: 1)
    clock.arm()
    #expect(try store.write(signal: .logs, requests: [.log("b")], journal: 1, lastSequence: 2).rows == 1)
    #expect(store.counts.lostFiles == 1)
    #expect(store.counts.rows == [.logs: 2])
    #expect(try fixture.rows("SELECT body FROM logs") == [[.text("b")]])
  }

  @Test("After a batch that cannot be stored, the next one has its resource")
  func recoversFromRefusedBatches() throws {
    let store = try fixture.openStore()
    let other = try Database(path: fixture.directory.path(of: today), mode: .readWrite)
    try other.execute(
      "CREATE TRIGGER t BEFORE INSERT ON span_rows WHEN new.name = 'bad' BEGIN SELECT RAISE(ABORT, 'no'); END")
    do {
      try store.write(signal: .traces, requests: [.span(name: "bad")], journal: 1, lastSequence: 1)
      Issue.record("expected an error")
    } catch let error as StoreError {
      #expect(error.kind == .batch)
      #expect(!error.isRetryable)
    }
    #expect(try fixture.value("SELECT count(*) FROM resources") == .integer(0))
    try store.write(signal: .traces, requests: [.span(name: "good")], journal: 1, lastSequence: 2)
    #expect(
      try fixture.value("SELECT r.service_name FROM spans JOIN resources r ON r.id = resource_id") == .text("shop"))
  }

  @Test("A second store in the same directory is refused until the first is closed")
  func refusesSecondStores() throws {
    let first = try fixture.openStore()
    do {
      try fixture.store().open()
      Issue.record("expected an error")
    } catch {
      #expect(error.kind == .inUse)
      #expect(error.description.hasSuffix("Give each sqlite sink a directory of its own."))
    }
    first.close()
    try fixture.store().open()
  }

  @Test("A deleted directory is made again")
  func recreatesDirectories() throws {
    let store = try fixture.openStore()
    for name in try fixture.directory.entries() { try fixture.directory.remove(name) }
    _ = unsafe rmdir(fixture.temporary.path)
    try store.write(signal: .logs, requests: [.log("a")], journal: 1, lastSequence: 2)
    #expect(try fixture.value("SELECT count(*) FROM logs") == .integer(1))
  }

  @Test("The log left behind by a deleted file is not taken for that of the new one")
  func ignoresStaleLogs() throws {
    let store = try fixture.openStore()
    try store.write(signal: .logs, requests: [.log("a")], journal: 1, lastSequence: 1)
    // Only the database goes; its log and the index of it stay, as after `rm telemetry-….db`.
    try fixture.directory.remove(today)
    try store.write(signal: .logs, requests: [.log("b")], journal: 1, lastSequence: 2)
    #expect(try fixture.rows("SELECT body FROM logs") == [[.text("b")]])
  }

  @Test("A lock held by somebody else is retryable, and the batch is stored once it is free")
  func waitsForLocks() throws {
    let store = TelemetryStore(
      directory: fixture.temporary.path, clock: fixture.clock, logger: fixture.logger, busyTimeout: .milliseconds(20))
    try store.open()
    let other = try Database(path: fixture.directory.path(of: today), mode: .readWrite)
    try other.execute("BEGIN IMMEDIATE")
    do {
      try store.write(signal: .logs, requests: [.log("a")], journal: 1, lastSequence: 1)
      Issue.record("expected an error")
    } catch let error as StoreError {
      #expect(error.kind == .busy)
      #expect(error.isRetryable)
    }
    other.rollback()
    #expect(try store.write(signal: .logs, requests: [.log("a")], journal: 1, lastSequence: 1).rows == 1)
  }

  @Test("A file that is locked keeps no store from opening; it is opened later, with its positions")
  func opensLater() throws {
    let first = try fixture.openStore()
    try first.write(signal: .logs, requests: [.log("a")], journal: 1, lastSequence: 7)
    first.close()
    let other = try Database(path: fixture.directory.path(of: today), mode: .readWrite)
    try other.execute("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE")
    let store = TelemetryStore(
      directory: fixture.temporary.path, clock: fixture.clock, logger: fixture.logger, busyTimeout: .milliseconds(20))
    try store.open()
    #expect(throws: StoreError.self) {
      try store.write(signal: .logs, requests: [.log("b")], journal: 1, lastSequence: 8)
    }
    other.close()
    #expect(try store.write(signal: .logs, requests: [.log("a")], journal: 1, lastSequence: 7).wasStored)
    #expect(try store.write(signal: .logs, requests: [.log("b")], journal: 1, lastSequence: 8).rows == 1)
    #expect(store.position(of: .logs, in: 1) == 8)
  }

  @Test("A file that can be read and not opened for writing says how far it is")
  func learnsPositions() throws {
    let first = try fixture.openStore()
    try first.write(signal: .logs, requests: [.log("a")], journal: 1, lastSequence: 7)
    first.close()
    // SQLite cannot make its shared memory where a directory has the name, as it cannot on a full disk.
    let shared = fixture.directory.path(of: today + "-shm")
    try Directory(path: shared).create()
    defer { _ = unsafe rmdir(shared) }
    let store = fixture.store()
    try? store.open()
    #expect(store.position(of: .logs, in: 1) == 7)
  }

  @Test("A past day's file that somebody is reading is closed later")
  func closesReadFilesLater() throws {
    let store = try fixture.openStore()
    try store.write(signal: .logs, requests: [.log("a")], journal: 1, lastSequence: 1)
    var reader: Database? = try Database(path: fixture.directory.path(of: today), mode: .readOnly)
    try reader?.execute("BEGIN; SELECT * FROM logs")
    fixture.clock.advance(by: .seconds(86400))
    try store.write(signal: .logs, requests: [.log("b")], journal: 1, lastSequence: 2)
    #expect(try fixture.value("SELECT count(*) FROM logs", in: tomorrow) == .integer(1))
    reader = nil
    store.close()
    _ = try fixture.openStore()
    #expect(try fixture.value("PRAGMA journal_mode") == .text("delete"))
  }

  @Test("A directory that cannot be written to is named, with the missing right and the next step")
  func namesUnwritableDirectories() throws {
    // The kernel lets nobody make files there, not even root.
    let store = TelemetryStore(directory: "/sys/kernel", clock: fixture.clock, logger: fixture.logger)
    do {
      try store.open()
      Issue.record("expected an error")
    } catch {
      #expect(error.kind == .access)
      #expect(
        error.description == "cannot open /sys/kernel/\(today): permission denied. "
          + "Give the service user write access to the directory.")
    }
  }
}
