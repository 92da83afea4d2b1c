// One connection to a SQLite database file.

internal import CSQLite

/// A connection. One thread at a time uses it and its statements; the owner sees to that.
///
/// Statements may outlive `close`: the file is then closed when the last of them goes.
@safe
package final class Database {
  package enum Mode: Sendable {
    case readOnly
    /// The file must exist.
    case readWrite
    case create
  }

  /// How long a call waits for another connection's lock before it fails as `busy`.
  package static let busyTimeoutDefault: Duration = .seconds(5)

  package let path: String
  private var handle: OpaquePointer?
  /// What the handle's progress handler reads; made by `stop(atMonotonic:)`.
  private var deadline: UnsafeMutablePointer<UInt64>?

  /// Opens the file at `path`. SQLite reads it only when the first statement runs.
  package init(path: String, mode: Mode, busyTimeout: Duration = Database.busyTimeoutDefault) throws(SQLiteError) {
    self.path = path
    let access =
      switch mode {
      case .readOnly: SQLITE_OPEN_READONLY
      case .readWrite: SQLITE_OPEN_READWRITE
      case .create: SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE
      }
    // Safe: the path is NUL-terminated for the call; on failure the handle is closed by `deinit`.
    let flags = access | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE
    let result = unsafe sqlite3_open_v2(path, &handle, flags, nil)
    guard result == SQLITE_OK else { throw error(result, in: path) }
    // Without the right to write, SQLite opens a file for reading and fails only when a statement writes.
    if mode != .readOnly, unsafe sqlite3_db_readonly(handle, "main") == 1 {
      throw SQLiteError(code: SQLITE_READONLY, message: "no right to write, or a read-only disk", sql: path)
    }
    let (seconds, attoseconds) = busyTimeout.components
    // Safe: the handle is open.
    unsafe sqlite3_busy_timeout(handle, Int32(clamping: seconds * 1000 + attoseconds / 1_000_000_000_000_000))
  }

  deinit {
    close()
    unsafe deadline?.deallocate()
  }

  /// Makes every statement fail as soon as it finds the monotonic clock (CLOCK_MONOTONIC, nanoseconds) at or behind
  /// `time`; it looks every few thousand steps of work.
  package func stop(atMonotonic time: UInt64) {
    if unsafe deadline == nil { unsafe deadline = .allocate(capacity: 1) }
    // Safe: the number is written before SQLite gets its address, and lives until `deinit`, behind `close`, which
    // takes the handler away.
    unsafe deadline?.initialize(to: time)
    unsafe csqlite_stop_at(handle, deadline)
  }

  /// Closes the connection, at once or when the last statement goes. Calling again does nothing.
  package func close() {
    // Safe: the handle is open or null, and a statement that stays alive must not look at the deadline any more.
    if unsafe handle != nil { unsafe csqlite_stop_at(handle, nil) }
    // Safe: `sqlite3_close_v2` takes null, and waits for the statements still alive.
    unsafe sqlite3_close_v2(handle)
    unsafe handle = nil
  }

  /// Compiles one statement, to be kept and run many times.
  package func prepare(_ sql: String) throws(SQLiteError) -> Statement {
    var statement: OpaquePointer?
    // Safe: the text is NUL-terminated for the call.
    let result = unsafe sqlite3_prepare_v3(handle, sql, -1, UInt32(SQLITE_PREPARE_PERSISTENT), &statement, nil)
    guard result == SQLITE_OK, let statement = unsafe statement else { throw error(result, in: sql) }
    return unsafe Statement(handle: statement)
  }

  /// Compiles what somebody typed: one statement that returns rows and changes nothing.
  package func prepareQuestion(_ sql: String) throws(SQLiteError) -> Statement {
    var rest = sql
    guard let handle = try unsafe compileFirst(&rest) else {
      throw SQLiteError(code: SQLITE_ERROR, message: "there is no statement", sql: sql)
    }
    let statement = unsafe Statement(handle: handle)
    guard statement.columnCount > 0, statement.isReadOnly else {
      throw SQLiteError(code: SQLITE_READONLY, message: "only statements that read are run, such as SELECT", sql: sql)
    }
    // What follows may be a comment.
    while !rest.isEmpty {
      guard let more = try unsafe compileFirst(&rest) else { continue }
      unsafe sqlite3_finalize(more)
      throw SQLiteError(code: SQLITE_ERROR, message: "one statement at a time", sql: sql)
    }
    return statement
  }

  /// Compiles the first statement of a text and leaves what follows; nil for a comment.
  @unsafe
  private func compileFirst(_ rest: inout String) throws(SQLiteError) -> OpaquePointer? {
    var statement: OpaquePointer?
    var used = 0
    let sql = rest
    let result = unsafe sql.withCString { text in
      var tail: UnsafePointer<CChar>?
      // Safe: the text is NUL-terminated for the call, and the tail points into it.
      let result = unsafe sqlite3_prepare_v3(handle, text, -1, 0, &statement, &tail)
      used = unsafe tail.map { unsafe $0 - text } ?? sql.utf8.count
      return result
    }
    guard result == SQLITE_OK else { throw error(result, in: sql) }
    rest = String(decoding: sql.utf8.dropFirst(used), as: UTF8.self)
    return unsafe statement
  }

  /// Runs one or several statements and ignores their rows.
  package func execute(_ sql: String) throws(SQLiteError) {
    // Safe: the text is NUL-terminated for the call; no callback, no message to free.
    let result = unsafe sqlite3_exec(handle, sql, nil, nil, nil)
    if result != SQLITE_OK { throw error(result, in: sql) }
  }

  /// Runs `body` in a transaction that takes the write lock at the start; an error rolls it back.
  package func transaction<Result>(_ body: () throws(SQLiteError) -> Result) throws(SQLiteError) -> Result {
    try execute("BEGIN IMMEDIATE")
    do {
      let result = try body()
      try execute("COMMIT")
      return result
    } catch {
      rollback()
      throw error
    }
  }

  /// Ends an open transaction without its changes. SQLite may have done so by itself already.
  package func rollback() {
    if isInTransaction { try? execute("ROLLBACK") }
  }

  package var isInTransaction: Bool {
    // Safe: the handle is open or null, and a closed connection has no transaction.
    unsafe handle != nil && sqlite3_get_autocommit(handle) == 0
  }

  /// The id of the row inserted last.
  package var lastInsertedRow: Int64 { unsafe sqlite3_last_insert_rowid(handle) }

  /// Rows that the last INSERT, UPDATE or DELETE changed; an insert skipped by a conflict is none.
  package var changes: Int { Int(unsafe sqlite3_changes(handle)) }

  /// Every row of a small result.
  package func rows(_ sql: String) throws(SQLiteError) -> [[SQLiteValue]] {
    var statement = try prepare(sql)
    var rows: [[SQLiteValue]] = []
    while try statement.step() { rows.append((0..<statement.columnCount).map { statement.value($0) }) }
    return rows
  }

  /// The first column of the first row; null when there is none.
  package func value(_ sql: String) throws(SQLiteError) -> SQLiteValue {
    var statement = try prepare(sql)
    return try statement.step() ? statement.value(0) : .null
  }

  /// What a file says of itself.
  package struct Identity: Equatable, Sendable {
    /// The number that says whose file this is; 0 in a file that nobody marked.
    package let applicationID: Int64
    /// The version of the schema, kept by the application; 0 in a new file.
    package let userVersion: Int64
    /// Whether it has no tables.
    package let isEmpty: Bool

    package init(applicationID: Int64, userVersion: Int64, isEmpty: Bool) {
      (self.applicationID, self.userVersion, self.isEmpty) = (applicationID, userVersion, isEmpty)
    }
  }

  /// Reads all of it at one moment: another process may be making the file.
  package func identity() throws(SQLiteError) -> Identity {
    let row = try rows(
      """
      SELECT (SELECT application_id FROM pragma_application_id), (SELECT user_version FROM pragma_user_version),
        count(*) FROM sqlite_schema
      """)[0]
    return Identity(
      applicationID: row[0].integer ?? 0, userVersion: row[1].integer ?? 0, isEmpty: row[2] == .integer(0))
  }

  private func error(_ code: Int32, in sql: String) -> SQLiteError {
    // Safe: SQLite returns a NUL-terminated text that is valid until the next call; null handles give a constant.
    unsafe SQLiteError(
      code: code, message: String(cString: sqlite3_errmsg(handle)), sql: sql,
      systemCode: handle == nil ? 0 : sqlite3_system_errno(handle))
  }
}

/// The version of the library, as in `3.40.1`.
package func sqliteVersion() -> String {
  // Safe: a constant, NUL-terminated.
  unsafe String(cString: sqlite3_libversion())
}
