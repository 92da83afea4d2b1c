// The versions of a day file's schema, and how a file gets to the newest one.

internal import SQLite

/// The ordered steps from an empty file to the newest schema; the version is the number of steps taken.
///
/// A step is never changed once released: a file that took it will not take it again. Only the file being written is
/// migrated; older days keep the version they were closed with, and readers know every version.
package struct StoreSchema: Sendable {
  /// In every day file's header: "otlp" in ASCII.
  package static let applicationID: Int64 = 0x6f74_6c70

  /// SQL scripts; step 0 makes the first version.
  package let steps: [String]

  package init(steps: [String]) { self.steps = steps }

  /// What otlpd writes.
  package static let current = StoreSchema(steps: [StoreSchema.version1])

  /// Of the file that keeps what deleted days counted.
  package static let history = StoreSchema(steps: [StoreSchema.historyTables])

  package var version: Int64 { Int64(steps.count) }

  enum State: Equatable {
    /// Nothing is in the file yet.
    case empty
    /// Ours, at an older version or the newest.
    case version(Int64)
    case newer(Int64)
    /// A database of another application.
    case foreign
  }

  /// Looks at a file without changing it.
  func state(of database: Database) throws(SQLiteError) -> State {
    let identity = try database.identity()
    let version = identity.userVersion
    if identity.applicationID == StoreSchema.applicationID {
      return version > self.version ? .newer(version) : .version(version)
    }
    return identity.applicationID == 0 && version == 0 && identity.isEmpty ? .empty : .foreign
  }

  /// Takes the steps that are missing after `version`, in the caller's transaction.
  func migrate(_ database: Database, from version: Int64) throws(SQLiteError) {
    for step in steps[Int(version)...] { try database.execute(step) }
    try database.execute(
      "PRAGMA application_id = \(StoreSchema.applicationID); PRAGMA user_version = \(self.version)")
  }
}
