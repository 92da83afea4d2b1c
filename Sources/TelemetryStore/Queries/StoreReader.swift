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
      try session.open(day, at: directory.path(of: day.fileName), schema: schema, signal, window)
    }
    return session
  }
}

/// The files that one question is put to, newest first. One thread uses it.
final class QuerySession {
  /// One open day file.
  struct OpenFile {
    let day: Day
    let database: Database
  }

  private(set) var files: [OpenFile] = []
  private(set) var skipped: [SkippedFile] = []
  private let deadline: Instant

  init(deadline: Instant) { self.deadline = deadline }

  fileprivate func open(
    _ day: Day, at path: String, schema: StoreSchema, _ signal: Signal, _ window: TimeWindow?
  ) throws(QueryError) {
    do {
      let database = try Database(path: path, mode: .readOnly, busyTimeout: .milliseconds(200))
      database.stop(atMonotonic: deadline.nanoseconds)
      switch try schema.state(of: database) {
      case .empty: return
      case .foreign: skip(day, "it is a database of another application")
      case .newer(let version):
        skip(day, "it has schema version \(version), this otlpd knows up to \(schema.version)")
      case .version:
        try database.execute("BEGIN; PRAGMA temp_store = MEMORY")
        if try QuerySession.has(signal, window, database) { files.append(OpenFile(day: day, database: database)) }
      }
    } catch {
      try handle(error, day)
    }
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
        try handle(error, file.day)
      }
    }
    files = readable
    return parts
  }

  func answer<Value: Sendable>(_ value: Value) -> Answer<Value> { Answer(value: value, skipped: skipped) }

  private func skip(_ day: Day, _ reason: String) { skipped.append(SkippedFile(name: day.fileName, reason: reason)) }

  private func handle(_ error: SQLiteError, _ day: Day) throws(QueryError) {
    if error.isInterruption { throw .overdue }
    skip(day, error.message)
  }
}
