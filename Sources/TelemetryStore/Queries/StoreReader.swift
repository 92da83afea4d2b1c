// Answers questions from the day files of a directory, while a store may be writing there.
//
// Problem: an answer may need several files, which a store writes, closes or removes meanwhile, or which are damaged.
// Idea: each question opens the files that its time range touches, for reading only, and merges what they say.
//
// 1. A connection lives as long as one question: one left open would keep the store from closing a past day's file,
//    and a deleted file's space from being freed. Opening costs a fraction of a millisecond.
// 2. All statements of one question see one state of each file.
// 3. A file that cannot be read is left out whole, and named in the answer.
// 4. A question has a deadline; SQLite looks at the clock while it works.
// 5. Of a day that the store deletes, roll-ups are taken from the history as soon as that has them, and from the file
//    before: the history is opened last, and says which days are its own.

internal import OTLP
internal import SQLite
internal import System

/// Reads the files of one directory. Safe from any thread; every question blocks on the disk.
package final class StoreReader: Sendable {
  package static let deadlineDefault = Duration.seconds(2)

  let directory: Directory
  private let schema: StoreSchema
  let deadline: Duration

  /// - Parameter deadline: how long one question may take.
  package init(
    directory: String, schema: StoreSchema = .current, deadline: Duration = StoreReader.deadlineDefault
  ) {
    self.directory = Directory(path: directory)
    self.schema = schema
    self.deadline = deadline
  }

  /// Opens the files that have items of the signal in the window; those of every day when there is none.
  func session(_ signal: Signal, _ window: TimeWindow?) throws(QueryError) -> QuerySession {
    let names: [String]
    do { names = try directory.entries() } catch { throw .unreadable("\(error)") }
    let session = QuerySession(deadline: SystemClock().monotonic + deadline)
    for day in names.compactMap({ Day(fileName: $0) }).sorted(by: >) {
      try session.open(day, in: directory, schema: schema, signal, window)
    }
    return session
  }

  /// Opens what has roll-ups of the window: day files, and the history of deleted days.
  ///
  /// - Returns: also the periods to ask for; hours even in a short window, when a part of it has nothing finer.
  func rollups(_ window: TimeWindow) throws(QueryError) -> (QuerySession, RollupPeriods) {
    let (fine, hours) = (RollupPeriods(window), RollupPeriods(window, isFine: false))
    let session = try session(.traces, hours.window)
    let hasHistory = try session.openHistory(in: directory, hours: hours.range)
    return (session, hasHistory ? hours : fine)
  }
}

/// The files that one question is put to, newest first. One thread uses it.
final class QuerySession {
  /// One open file.
  struct OpenFile {
    let name: String
    /// 1970 for the history, which has days of its own.
    let day: Day
    let database: Database
  }

  private(set) var files: [OpenFile] = []
  private(set) var skipped: [SkippedFile] = []
  private let deadline: Instant

  init(deadline: Instant) { self.deadline = deadline }

  fileprivate func open(
    _ day: Day, in directory: Directory, schema: StoreSchema, _ signal: Signal, _ window: TimeWindow?
  ) throws(QueryError) {
    let name = day.fileName
    do {
      guard let database = try open(name, in: directory, schema: schema) else { return }
      if try QuerySession.has(signal, window, database) {
        files.append(OpenFile(name: name, day: day, database: database))
      }
    } catch {
      // Deleted since the directory was listed: the same as if it had been gone before.
      if directory.identity(of: name) != nil { try handle(error, name) }
    }
  }

  /// Opens the history, if it has rows of the hours, and leaves out its days, whose files may still be here.
  ///
  /// - Returns: whether it is one of the files now, the last.
  fileprivate func openHistory(in directory: Directory, hours: Range<Int64>) throws(QueryError) -> Bool {
    let name = History.fileName
    guard directory.identity(of: name) != nil else { return false }
    do {
      guard let database = try open(name, in: directory, schema: .history) else { return false }
      var days = try database.prepare("SELECT day FROM days")
      var copied: Set<String> = []
      while try days.step() { copied.insert(days.text(0) ?? "") }
      files.removeAll { copied.contains($0.day.date) }
      var rows = try database.prepare("SELECT 1 FROM operation_hours WHERE hour >= ?1 AND hour < ?2 LIMIT 1")
      rows.bind(hours.lowerBound, at: 1)
      rows.bind(hours.upperBound, at: 2)
      guard try rows.step() else { return false }
      files.append(OpenFile(name: name, day: Day(number: 0), database: database))
      return true
    } catch {
      try handle(error, name)
      return false
    }
  }

  /// A connection in a transaction of its own; nil when there is nothing to read in the file.
  private func open(
    _ name: String, in directory: Directory, schema: StoreSchema
  ) throws(SQLiteError) -> Database? {
    let database = try Database(path: directory.path(of: name), mode: .readOnly, busyTimeout: .milliseconds(200))
    database.stop(atMonotonic: deadline.nanoseconds)
    switch try schema.state(of: database) {
    case .empty: return nil
    case .foreign: skip(name, "it is a database of another application")
    case .newer(let version):
      skip(name, "it has schema version \(version), this otlpd knows up to \(schema.version)")
    case .version:
      try database.execute("BEGIN; PRAGMA temp_store = MEMORY")
      return database
    }
    return nil
  }

  /// Whether the file has items of the signal in the window, by its table of ranges.
  private static func has(
    _ signal: Signal, _ window: TimeWindow?, _ database: Database
  ) throws(SQLiteError) -> Bool {
    guard let window else { return true }
    var range = try database.prepare(
      "SELECT 1 FROM time_ranges WHERE table_name = ?1 AND max_time_unix_nano >= ?2 AND min_time_unix_nano < ?3")
    range.bind(DayFile.tableName(of: signal), at: 1)
    range.bind(window.from, at: 2)
    range.bind(window.to, at: 3)
    return try range.step()
  }

  /// What each file says; one that fails is left out from now on.
  func ask<Part>(_ body: (OpenFile) throws(SQLiteError) -> Part) throws(QueryError) -> [Part] {
    var parts: [Part] = []
    var readable: [OpenFile] = []
    for file in files {
      if SystemClock().monotonic >= deadline { throw .overdue }
      do {
        parts.append(try body(file))
        readable.append(file)
      } catch {
        try handle(error, file.name)
      }
    }
    files = readable
    return parts
  }

  func answer<Value: Sendable>(_ value: Value) -> Answer<Value> { Answer(value: value, skipped: skipped) }

  private func skip(_ name: String, _ reason: String) { skipped.append(SkippedFile(name: name, reason: reason)) }

  private func handle(_ error: SQLiteError, _ name: String) throws(QueryError) {
    if error.isInterruption { throw .overdue }
    skip(name, error.message)
  }
}
