// What deleted days counted, by the hour: one small file beside those of the days.
//
// 1. A day is copied in one transaction, with its mark in the table `days`; a day with a mark is not copied again.
// 2. The transaction is synced before the day's file goes. So at any moment a day's counts are in its file, or in the
//    history, or in both, and then the mark says that the history has them.
// 3. The positions go with it, as the floor for a sink whose other files are lost.
// 4. Hours older than `hoursMax` go with the next copy.

internal import Bytes
internal import OTLP
internal import SQLite
internal import System

/// A copy that failed, by the side that failed.
enum HistoryError: Error {
  case source(SQLiteError)
  case history(SQLiteError)
}

/// The open history file. One thread at a time uses it.
struct History: ~Copyable {
  static let fileName = "telemetry-history.db"
  /// 400 days.
  static let hoursMax: Int64 = 400 * 24
  private static let hour: UInt64 = 3_600_000_000_000

  private let database: Database

  /// Opens the file, or makes it.
  init(in directory: Directory, schema: StoreSchema = .history, busyTimeout: Duration) throws {
    // Made here for its owner only, as the day files are.
    if directory.identity(of: History.fileName) == nil { _ = try directory.openFile(History.fileName) }
    let database = try Database(
      path: directory.path(of: History.fileName), mode: .readWrite, busyTimeout: busyTimeout)
    // The cache holds a whole copy, so that readers wait for its commit only.
    try database.execute("PRAGMA synchronous = FULL; PRAGMA cache_size = -65536; PRAGMA temp_store = MEMORY")
    switch try schema.state(of: database) {
    case .foreign: throw DayFileProblem.foreign
    case .newer(let version): throw DayFileProblem.newer(version, known: schema.version)
    case .version(schema.version): break
    case .version(let version):
      try database.transaction { () throws(SQLiteError) in try schema.migrate(database, from: version) }
    case .empty: try database.transaction { () throws(SQLiteError) in try schema.migrate(database, from: 0) }
    }
    self.database = database
  }

  /// Adds the positions that the history knows.
  func learn(_ positions: inout Positions) throws(SQLiteError) { try positions.merge(database) }

  /// Copies what a day's file counted, or nothing when the day was copied before.
  ///
  /// - Parameters:
  ///   - source: the day's file.
  ///   - now: Unix nanoseconds.
  func take(_ day: Day, from source: Database, positions: Positions, at now: UInt64) throws(HistoryError) {
    let source = Source(source)
    do {
      try database.transaction { () throws(SQLiteError) in
        if try has(day) { return }
        try expire(at: now)
        try copyOperations(from: source)
        try copyEdges(from: source)
        try positions.copy(to: database)
        var mark = try database.prepare("INSERT INTO days(day, copied_unix_nano) VALUES (?1, ?2)")
        mark.bind(day.date, at: 1)
        mark.bind(bits: now, at: 2)
        try mark.run()
      }
    } catch {
      throw source.hasFailed ? .source(error) : .history(error)
    }
  }

  private func has(_ day: Day) throws(SQLiteError) -> Bool {
    var search = try database.prepare("SELECT 1 FROM days WHERE day = ?1")
    search.bind(day.date, at: 1)
    return try search.step()
  }

  private func expire(at now: UInt64) throws(SQLiteError) {
    let limit = Int64(now / History.hour) - History.hoursMax
    try database.execute("DELETE FROM edges WHERE hour < \(limit); DELETE FROM operation_hours WHERE hour < \(limit)")
    guard database.changes > 0 else { return }
    try database.execute("DELETE FROM operations WHERE id NOT IN (SELECT operation_id FROM operation_hours)")
  }

  private func copyOperations(from source: Source) throws(SQLiteError) {
    var table = try ContentTable(
      "operations", columns: ["content_hash", "service_name", "category", "kind", "name"], in: database)
    var ids: [Int64: Int64] = [:]
    try source.each("SELECT id, service_name, category, kind, name FROM operations") { (row) throws(SQLiteError) in
      let (service, category) = (row.text(1), row.text(2) ?? "")
      let (kind, name) = (row.integer(3), row.text(4) ?? "")
      ids[row.integer(0)] = try table.id(in: database) { content in
        content.append("\(category)\0\(kind)\0\(service ?? "\u{1}")\0\(name)")
      } _: { statement in
        if let service { statement.bind(service, at: 2) }
        statement.bind(category, at: 3)
        statement.bind(kind, at: 4)
        statement.bind(name, at: 5)
      }
    }
    var hours = try RollupTable("operation_hours", time: "hour", in: database)
    let rows = "SELECT hour, operation_id, \(RollupTable.columns) FROM operation_hours"
    try source.each(rows) { (row) throws(SQLiteError) in
      guard let id = ids[row.integer(1)] else { return }
      try hours.add(Rollup(row, from: 2), to: RollupKey(time: row.integer(0), operation: id))
    }
  }

  private func copyEdges(from source: Source) throws(SQLiteError) {
    var add = try database.prepare(
      """
      INSERT INTO edges(hour, caller, callee, count, errors) VALUES (?1, ?2, ?3, ?4, ?5)
      ON CONFLICT DO UPDATE SET count = count + excluded.count, errors = errors + excluded.errors
      """)
    try source.each("SELECT hour, caller, callee, count, errors FROM edges") { (row) throws(SQLiteError) in
      add.bind(row.integer(0), at: 1)
      add.bind(row.text(1) ?? "", at: 2)
      add.bind(row.text(2) ?? "", at: 3)
      add.bind(row.integer(3), at: 4)
      add.bind(row.integer(4), at: 5)
      try add.run()
    }
  }
}

/// A day's file while it is copied; remembers whether it was the one that failed.
private final class Source {
  private let database: Database
  private(set) var hasFailed = false

  init(_ database: Database) { self.database = database }

  /// Gives each row to `body`, whose failures are not this file's.
  func each(_ sql: String, _ body: (borrowing Statement) throws(SQLiteError) -> Void) throws(SQLiteError) {
    hasFailed = true
    var rows = try database.prepare(sql)
    while try rows.step() {
      hasFailed = false
      try body(rows)
      hasFailed = true
    }
    hasFailed = false
  }
}

extension TelemetryStore {
  /// Opens the history, or makes it; one that is damaged or foreign is set aside first.
  func openHistory() throws(StoreError) -> History {
    do { return try History(in: directory, busyTimeout: busyTimeout) } catch {
      try setAsideIfUnusable(History.fileName, error)
    }
    do { return try History(in: directory, busyTimeout: busyTimeout) } catch {
      throw storeError(error, path: directory.path(of: History.fileName))
    }
  }

  /// Learns the positions of the days that were deleted.
  ///
  /// - Throws: when the history was written by a newer otlpd, which knows days that this one would count again.
  func learnHistory(_ positions: inout Positions) throws(StoreError) {
    guard directory.identity(of: History.fileName) != nil else { return }
    do throws(StoreError) {
      let history = try openHistory()
      do { try history.learn(&positions) } catch {
        throw StoreError(error, path: directory.path(of: History.fileName))
      }
    } catch {
      if error.kind == .newerSchema { throw error }
      warn(History.fileName, error)
    }
  }
}
