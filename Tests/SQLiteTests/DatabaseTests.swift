// Connections: transactions, errors, locks, and the marks in a file's header.

import Bytes
import Glibc
import SQLite
import Testing

/// A database file that goes away with the test.
final class TemporaryFile {
  let path = "/tmp/otlpd-sqlite-\(UInt64.random(in: 0 ... .max)).db"

  deinit { for suffix in ["", "-wal", "-shm", "-journal"] { unsafe unlink(path + suffix) } }
}

@Suite struct DatabaseTests {
  let file = TemporaryFile()

  @Test("A committed transaction is seen by another connection")
  func commits() throws {
    let writer = try Database(path: file.path, mode: .create)
    try writer.execute("CREATE TABLE t(a)")
    try writer.transaction { () throws(SQLiteError) in try writer.execute("INSERT INTO t VALUES (1), (2)") }
    let reader = try Database(path: file.path, mode: .readOnly)
    #expect(try reader.value("SELECT sum(a) FROM t") == .integer(3))
  }

  @Test("A transaction that fails leaves nothing behind")
  func rollsBack() throws {
    let database = try Database(path: file.path, mode: .create)
    try database.execute("CREATE TABLE t(a UNIQUE)")
    #expect(throws: SQLiteError.self) {
      try database.transaction { () throws(SQLiteError) in
        try database.execute("INSERT INTO t VALUES (1)")
        try database.execute("INSERT INTO t VALUES (1)")
      }
    }
    #expect(!database.isInTransaction)
    #expect(try database.value("SELECT count(*) FROM t") == .integer(0))
  }

  @Test("An error names the statement and what SQLite says about it")
  func describesErrors() throws {
    let database = try Database(path: file.path, mode: .create)
    do {
      _ = try database.prepare("SELECT a FROM nowhere")
      Issue.record("expected an error")
    } catch {
      #expect(error.cause == .statement)
      #expect(error.message == "no such table: nowhere")
      #expect(error.sql == "SELECT a FROM nowhere")
    }
  }

  @Test("A lock held by another connection is busy, and free afterwards")
  func reportsBusy() throws {
    let holder = try Database(path: file.path, mode: .create)
    try holder.execute("CREATE TABLE t(a); BEGIN EXCLUSIVE")
    let other = try Database(path: file.path, mode: .readWrite, busyTimeout: .zero)
    do {
      try other.transaction { () throws(SQLiteError) in }
      Issue.record("expected an error")
    } catch {
      #expect(error.cause == .busy)
    }
    holder.rollback()
    try other.transaction { () throws(SQLiteError) in }
  }

  @Test("A file that is no database is corrupt, one that is missing cannot be accessed")
  func tellsCausesApart() throws {
    let descriptor = unsafe open(file.path, O_CREAT | O_WRONLY, 0o600 as mode_t)
    let text = String(repeating: "this is no database ", count: 300)
    _ = unsafe write(descriptor, text, text.utf8.count)
    close(descriptor)
    let database = try Database(path: file.path, mode: .readWrite)
    do {
      _ = try database.identity()
      Issue.record("expected an error")
    } catch {
      #expect(error.cause == .corrupt)
    }
    do {
      _ = try Database(path: file.path + "/missing/x.db", mode: .readWrite)
      Issue.record("expected an error")
    } catch {
      #expect(error.cause == .access)
      #expect(error.systemCode == ENOTDIR)
    }
  }

  @Test("A file keeps the application's id and version")
  func keepsMarks() throws {
    let database = try Database(path: file.path, mode: .create)
    #expect(try database.identity() == Database.Identity(applicationID: 0, userVersion: 0, isEmpty: true))
    try database.execute("PRAGMA application_id = 77; PRAGMA user_version = 3")
    #expect(try database.identity() == Database.Identity(applicationID: 77, userVersion: 3, isEmpty: true))
  }

  @Test("A connection may be closed before its statements and more than once")
  func closesInAnyOrder() throws {
    let database = try Database(path: file.path, mode: .create)
    var statement = try database.prepare("SELECT 5")
    database.close()
    database.close()
    let isThere = try statement.step()
    let value = statement.integer(0)
    #expect(isThere && value == 5)
    #expect(throws: SQLiteError.self) { try database.execute("SELECT 1") }
  }
}
