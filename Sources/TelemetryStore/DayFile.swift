// The day file being written: one connection, and one transaction per batch.

internal import OTLP
internal import SQLite
internal import System

/// An open day file. One thread at a time uses it; `TelemetryStore` holds its lock around every call.
final class DayFile {
  /// What one transaction did.
  struct Committed {
    var rows = 0
    var duplicates = 0
    /// The file had the batch already, and nothing was written.
    var wasStored = false
  }

  /// What a file's name and those of what SQLite keeps beside it end in.
  static let suffixes = ["", "-wal", "-shm"]

  let day: Day
  /// Which file is open: the path may come to stand for another one, or none.
  let identity: FileIdentity
  private let directory: Directory
  /// Making the file costs no wait for the disk, so that the daemon starts at once; the first batch waits.
  private var isSynced = false
  private let database: Database
  private var writer: RowWriter
  private var ranges: [Signal: TimeRange] = [:]
  private var readPosition: Statement
  private var writePosition: Statement
  private var writeRange: Statement
  /// Behind what SQLite has open, so that it goes last: closing it gives up SQLite's locks on the file. Without them,
  /// the next program that looks into the file takes itself for the last one, and removes the log when it leaves.
  private let descriptor: FileDescriptor

  /// Opens the file, makes it when it is missing, and brings its schema up to date.
  ///
  /// - Parameter positions: copied into a new file, and raised to those of an old one.
  init(
    _ day: Day, in directory: Directory, schema: StoreSchema, busyTimeout: Duration, positions: inout Positions
  ) throws {
    self.day = day
    self.directory = directory
    let name = day.fileName
    // SQLite removes the log that a deleted file left behind, as the new one is empty.
    descriptor = try directory.openFile(name)
    identity = directory.identity(of: name) ?? FileIdentity.none
    let path = directory.path(of: name)
    let database = try Database(path: path, mode: .readWrite, busyTimeout: busyTimeout)
    let state = try schema.state(of: database)
    switch state {
    case .foreign: throw DayFileProblem.foreign
    case .newer(let version): throw DayFileProblem.newer(version, known: schema.version)
    case .version(let version) where version == schema.version: try DayFile.configure(database)
    case .version(let version):
      try DayFile.configure(database)
      try database.transaction { () throws(SQLiteError) in try schema.migrate(database, from: version) }
    case .empty:
      // The page size holds from the first page on, and cannot change in WAL mode. The rollback journal makes a
      // process that dies here leave an empty file.
      try database.execute("PRAGMA page_size = 8192; PRAGMA synchronous = OFF")
      try database.transaction { () throws(SQLiteError) in
        try schema.migrate(database, from: 0)
        try positions.copy(to: database)
      }
      try DayFile.configure(database)
    }
    try positions.merge(database)
    self.database = database
    ranges = try DayFile.readRanges(database)
    readPosition = try database.prepare("SELECT sequence FROM positions WHERE journal = ?1 AND signal = ?2")
    writePosition = try Positions.prepareUpdate(in: database)
    writeRange = try database.prepare(
      """
      INSERT INTO time_ranges(table_name, min_time_unix_nano, max_time_unix_nano, row_count) VALUES (?1, ?2, ?3, ?4)
      ON CONFLICT DO UPDATE SET min_time_unix_nano = excluded.min_time_unix_nano,
        max_time_unix_nano = excluded.max_time_unix_nano, row_count = excluded.row_count
      """)
    writer = try RowWriter(database)
  }

  /// `synchronous = FULL`: a transaction that was reported as committed survives a power loss, so the journal may
  /// forget the batch. The log is folded back every 32 MiB: index pages that many batches touch are written once.
  private static func configure(_ database: Database) throws(SQLiteError) {
    try database.execute(
      """
      PRAGMA journal_mode = WAL;
      PRAGMA synchronous = FULL;
      PRAGMA cache_size = -65536;
      PRAGMA temp_store = MEMORY;
      PRAGMA wal_autocheckpoint = 4000;
      """)
  }

  /// Stores the requests and the position in one transaction; a batch that the file has already is skipped.
  ///
  /// After an error the file must be opened anew: it remembers ids of rows that were rolled back.
  func write(
    _ requests: [ExportRequest], _ key: PositionKey, lastSequence: UInt64, at time: UInt64, now: Instant
  ) throws(SQLiteError) -> Committed {
    try sync()
    var committed = Committed()
    var range = ranges[key.signal] ?? TimeRange()
    try database.transaction { () throws(SQLiteError) in
      if let stored = try storedSequence(key), stored >= lastSequence {
        committed.wasStored = true
        return
      }
      var written = RowWriter.Written()
      for request in requests { try writer.insert(request, into: &written) }
      try writer.finish(at: now)
      range.include(written.range)
      try store(range, of: key.signal)
      try Positions.update(&writePosition, key, lastSequence, time)
      committed.rows = written.range.rowCount
      committed.duplicates = written.duplicates
    }
    ranges[key.signal] = range
    return committed
  }

  /// Puts the file itself on the disk once: SQLite deletes the log, however safe, of a file that comes back empty.
  private func sync() throws(SQLiteError) {
    if isSynced { return }
    let path = directory.path(of: day.fileName)
    do { try descriptor.sync(path: path) } catch { throw SQLiteError(diskFailure: error.code, path: path) }
    isSynced = true
  }

  private func storedSequence(_ key: PositionKey) throws(SQLiteError) -> UInt64? {
    readPosition.bind(key.journalText, at: 1)
    readPosition.bind(key.signal.name, at: 2)
    guard try readPosition.step() else { return nil }
    let sequence = UInt64(bitPattern: readPosition.integer(0))
    readPosition.reset()
    return sequence
  }

  private func store(_ range: TimeRange, of signal: Signal) throws(SQLiteError) {
    writeRange.bind(DayFile.tableName(of: signal), at: 1)
    if let bounds = range.bounds {
      writeRange.bind(bits: bounds.lowerBound, at: 2)
      writeRange.bind(bits: bounds.upperBound, at: 3)
    }
    writeRange.bind(Int64(range.rowCount), at: 4)
    try writeRange.run()
  }

  private static func readRanges(_ database: Database) throws(SQLiteError) -> [Signal: TimeRange] {
    var rows = try database.prepare(
      "SELECT table_name, min_time_unix_nano, max_time_unix_nano, row_count FROM time_ranges")
    var ranges: [Signal: TimeRange] = [:]
    while try rows.step() {
      let name = rows.text(0)
      guard let signal = Signal.allCases.first(where: { tableName(of: $0) == name }) else { continue }
      ranges[signal] = TimeRange(
        min: rows.value(1).integer, max: rows.value(2).integer, rowCount: Int(rows.integer(3)))
    }
    return ranges
  }

  static func tableName(of signal: Signal) -> String {
    switch signal {
    case .traces: "spans"
    case .metrics: "points"
    case .logs: "logs"
    }
  }
}

/// Why a file of a day file's name cannot be written to.
enum DayFileProblem: Error {
  case foreign
  case newer(Int64, known: Int64)
}
