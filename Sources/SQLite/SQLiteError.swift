// A failed call of SQLite: its code, its words, and the statement that failed.

internal import CSQLite

/// What SQLite refused, and why.
package struct SQLiteError: Error, Sendable, Equatable, CustomStringConvertible {
  /// The extended result code, as in <https://www.sqlite.org/rescode.html>.
  package let code: Int32
  /// SQLite's words: `database is locked`.
  package let message: String
  /// The statement that failed, or the path of a file that could not be opened.
  package let sql: String
  /// The error number of the system call behind the failure, or 0.
  package let systemCode: Int32

  package init(code: Int32, message: String, sql: String, systemCode: Int32 = 0) {
    self.code = code
    self.message = message
    self.sql = sql
    self.systemCode = systemCode
  }

  /// A read or write of the file at `path` that failed outside of SQLite.
  package init(diskFailure systemCode: Int32, path: String) {
    self.init(code: SQLITE_IOERR, message: "disk I/O error", sql: path, systemCode: systemCode)
  }

  /// Whether the connection's time was over, see `Database.stop(atMonotonic:)`.
  package var isInterruption: Bool { code & 0xff == SQLITE_INTERRUPT }

  /// What to do about an error; the many codes mean few different things.
  package enum Cause: Sendable, Equatable {
    /// Another connection holds the lock: the same call may succeed later.
    case busy
    /// No space is left on the disk.
    case full
    /// A read or write failed.
    case disk
    /// The file cannot be opened or written: permissions, a read-only file system, a missing directory.
    case access
    /// The file is damaged, or is no database.
    case corrupt
    /// A row breaks a constraint, or the statement is wrong: the same call fails again.
    case statement
  }

  package var cause: Cause {
    switch code & 0xff {
    case SQLITE_BUSY, SQLITE_LOCKED, SQLITE_PROTOCOL, SQLITE_INTERRUPT: .busy
    case SQLITE_FULL: .full
    case SQLITE_IOERR, SQLITE_NOMEM: .disk
    case SQLITE_CANTOPEN, SQLITE_PERM, SQLITE_READONLY, SQLITE_AUTH: .access
    case SQLITE_CORRUPT, SQLITE_NOTADB: .corrupt
    default: .statement
    }
  }

  package var description: String { "\(message) (SQLite code \(code), in: \(sql))" }
}
