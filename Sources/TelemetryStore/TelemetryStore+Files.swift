// Opening, closing and setting aside day files.

internal import Logging
internal import SQLite
internal import System

extension TelemetryStore {
  /// Opens the day's file; one that is damaged or foreign is set aside first.
  func openFile(_ day: Day, _ positions: inout Positions) throws(StoreError) -> DayFile {
    let path = directory.path(of: day.fileName)
    do { return try dayFile(day, &positions) } catch {
      try setAsideIfUnusable(day.fileName, error)
    }
    do { return try dayFile(day, &positions) } catch { throw storeError(error, path: path) }
  }

  private func dayFile(_ day: Day, _ positions: inout Positions) throws -> DayFile {
    try DayFile(day, in: directory, schema: schema, busyTimeout: busyTimeout, positions: &positions)
  }

  /// Renames a file that is no database of ours; passes every other failure on.
  func setAsideIfUnusable(_ name: String, _ error: any Error) throws(StoreError) {
    if let error = error as? SQLiteError, error.cause == .corrupt {
      try setAside(name, why: error.message)
    } else if case DayFileProblem.foreign = error {
      try setAside(name, why: "it is a database of another application")
    } else {
      throw storeError(error, path: directory.path(of: name))
    }
  }

  func storeError(_ error: any Error, path: String) -> StoreError {
    switch error {
    case let error as SQLiteError: return StoreError(error, path: path)
    case let error as SystemError: return StoreError(error)
    case DayFileProblem.newer(let version, let known): return newerSchema(path, version, known)
    default: return StoreError(kind: .corrupt, description: "cannot use \(path): \(error)")
    }
  }

  private func newerSchema(_ path: String, _ version: Int64, _ known: Int64) -> StoreError {
    StoreError(
      kind: .newerSchema,
      description: "cannot use \(path): it has schema version \(version), this otlpd knows up to \(known). "
        + "Install the newer otlpd again, or move the file out of the directory.")
  }

  /// Renames a file with its log to `….corrupt-<unix seconds>`, so that a new one can take its place.
  func setAside(_ name: String, why: String) throws(StoreError) {
    var seconds = clock.wall / 1_000_000_000
    while directory.identity(of: "\(name).corrupt-\(seconds)") != nil { seconds += 1 }
    let newName = "\(name).corrupt-\(seconds)"
    do {
      // The log goes first: a log without its file is removed, a file without its log would lose the newest rows.
      for suffix in ["-wal", "-shm", ""] where directory.identity(of: name + suffix) != nil {
        try directory.rename(name + suffix, to: newName + suffix)
      }
    } catch { throw StoreError(error) }
    noteCorrupt()
    logger.error(
      "a file of the store is unusable and was renamed; the store goes on with a new one",
      metadata: ["file": "\(directory.path(of: name))", "renamed": "\(newName)", "error": "\(why)"])
  }

  /// Learns the positions of a file that cannot be opened for writing. When it cannot be read, either, they are learned
  /// as soon as it can, and what came in the last second before a crash may be stored twice.
  func learnPositions(in name: String, _ positions: inout Positions) {
    let reader = try? Database(path: directory.path(of: name), mode: .readWrite, busyTimeout: .milliseconds(200))
    guard let reader else { return }
    // Without shared memory, for which a full disk has no room.
    try? reader.execute("PRAGMA locking_mode = EXCLUSIVE")
    try? positions.merge(reader)
  }

  // MARK: Past days

  /// Learns the positions in the files of other days, and takes those still in WAL mode out of it.
  ///
  /// A file that cannot be read is left for the next time, with a warning: the newest file has all positions.
  /// - Parameter refuseNewer: at start, a file of a newer otlpd is an error.
  func finishOlderFiles(except day: Day, refuseNewer: Bool, _ positions: inout Positions) throws(StoreError) {
    let names: [String]
    do { names = try directory.entries() } catch { throw StoreError(error) }
    for name in names {
      guard let other = Day(fileName: name), other != day else { continue }
      do {
        try finish(name, &positions)
      } catch DayFileProblem.newer(let version, let known) {
        let error = newerSchema(directory.path(of: name), version, known)
        if refuseNewer { throw error }
        warn(name, error)
      } catch let error as SQLiteError where error.cause == .corrupt {
        try setAside(name, why: error.message)
      } catch DayFileProblem.foreign {
        try setAside(name, why: "it is a database of another application")
      } catch {
        warn(name, error)
      }
    }
  }

  func finish(_ name: String, _ positions: inout Positions) throws {
    let path = directory.path(of: name)
    let reader = try Database(path: path, mode: .readOnly, busyTimeout: .milliseconds(200))
    switch try schema.state(of: reader) {
    case .foreign: throw DayFileProblem.foreign
    case .newer(let version): throw DayFileProblem.newer(version, known: schema.version)
    case .empty: return
    case .version: try positions.merge(reader)
    }
    guard try reader.value("PRAGMA journal_mode") == .text("wal") else { return }
    reader.close()
    let writer = try Database(path: path, mode: .readWrite, busyTimeout: .milliseconds(200))
    try EdgeCounter.finish(writer)
    try writer.execute("PRAGMA synchronous = FULL; PRAGMA wal_checkpoint(TRUNCATE)")
    // Answers with the mode that holds now: a reader elsewhere keeps the file in WAL mode until the next time.
    if try writer.value("PRAGMA journal_mode = DELETE") != .text("delete") {
      logger.info("a past day's file is still being read and is closed later", metadata: ["file": "\(path)"])
    }
  }

  func warn(_ name: String, _ error: any Error) {
    logger.warning(
      "a past day's file cannot be read or closed now",
      metadata: ["file": "\(directory.path(of: name))", "error": "\(error)"])
  }
}
