// Questions in SQL, over one day file or several.
//
// Problem: a question is about days, and each day is a file of its own; ids of resources and scopes mean something in
// their file only. Idea: with several files, the readable tables and views are unions of all files, made in the
// connection's own temporary schema, and the others say that they belong to one file.

package import SQLite
internal import OTLP
internal import System

extension StoreReader {
  /// Tables and views that can be read over several files: they need none of the others.
  static let unitedTables = ["spans", "logs", "metric_points", "edges", "findings"]
  /// SQLite's limit of databases in one connection beside the first.
  private static let attachedMax = 10

  /// Runs one statement that reads.
  ///
  /// - Parameters:
  ///   - day: the day whose file is asked, `2026-11-26`; nil for the newest eleven.
  ///   - columns: gets the names, once.
  ///   - row: gets each row, and returns whether it wants more.
  /// - Returns: the files that were left out.
  package func sql(
    _ text: String, day: String?, columns: ([String]) -> Void, row: ([SQLiteValue]) -> Bool
  ) throws(QueryError) -> [SkippedFile] {
    let session = try session(.traces, nil)
    var days = session.files.map(\.day)
    var skipped = session.skipped
    if let day {
      days = days.filter { $0.date == day }
      if days.isEmpty { throw .invalid("there is no readable file of the day \(day)") }
      skipped = []
    }
    guard let newest = days.first else { throw .invalid("there is no telemetry in \(directory.path)") }
    skipped += days.dropFirst(1 + StoreReader.attachedMax).map {
      SkippedFile(name: $0.fileName, reason: "more than \(1 + StoreReader.attachedMax) files; ask for it with --day")
    }
    do throws(SQLiteError) {
      let database = try Database(
        path: directory.path(of: newest.fileName), mode: .readOnly, busyTimeout: .milliseconds(200))
      database.stop(atMonotonic: (SystemClock().monotonic + deadline).nanoseconds)
      try database.execute("PRAGMA temp_store = MEMORY")
      let others = Array(days.dropFirst().prefix(StoreReader.attachedMax))
      if !others.isEmpty { try Self.unite(database, others.map { directory.path(of: $0.fileName) }) }
      var statement = try database.prepareQuestion(text)
      columns((0..<statement.columnCount).map { statement.columnName($0) })
      while try statement.step() {
        if !row((0..<statement.columnCount).map { statement.value($0) }) { break }
      }
      return skipped
    } catch {
      throw error.isInterruption ? QueryError.overdue : QueryError.invalid(error.message)
    }
  }

  /// Attaches the older files, and covers what the newest one shows by what all of them have together.
  private static func unite(_ database: Database, _ paths: [String]) throws(SQLiteError) {
    var schemas = ["main"]
    for (index, path) in paths.enumerated() {
      schemas.append("day\(index + 1)")
      let literal = path.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "''")
      try database.execute("ATTACH '\(literal)' AS \(schemas[index + 1])")
    }
    let names = try database.rows("SELECT name FROM main.sqlite_schema WHERE type IN ('table', 'view')")
    for name in names.compactMap({ $0.first?.text }) where !name.hasPrefix("sqlite_") && !name.hasPrefix("log_text") {
      guard unitedTables.contains(name) else {
        try database.execute("CREATE TEMP VIEW \(name) AS SELECT * FROM main.\"\(name): name one file with --day\"")
        continue
      }
      let columns = try Self.columns(of: name, in: "main", database)
      var parts: [String] = []
      for schema in schemas {
        let there = Set(try Self.columns(of: name, in: schema, database))
        // An older file may lack the table, or columns of it.
        if there.isEmpty { continue }
        let list = columns.map { there.contains($0) ? "\"\($0)\"" : "NULL AS \"\($0)\"" }
        parts.append("SELECT \(list.joined(separator: ", ")) FROM \(schema).\(name)")
      }
      try database.execute("CREATE TEMP VIEW \(name) AS \(parts.joined(separator: " UNION ALL "))")
    }
  }

  private static func columns(
    of table: String, in schema: String, _ database: Database
  ) throws(SQLiteError) -> [String] {
    // 1 is a hidden column of a virtual table.
    let rows = try database.rows("SELECT name FROM pragma_table_xinfo('\(table)', '\(schema)') WHERE hidden <> 1")
    return rows.compactMap { $0.first?.text }
  }
}
