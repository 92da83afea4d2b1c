// Keeps telemetry in SQLite files, one for each UTC day of commit.
//
// Problem: a week of spans in one database means slow deletes, vacuum, one corruption that takes all, and one growing
// index. Idea: one file per day, written by one transaction per batch, closed for good when its day is over.
//
// 1. A batch goes to exactly one file, that of the day of its commit. Event times are found through the file's table
//    `time_ranges`.
// 2. The position (journal, signal, sequence) is stored in the batch's own transaction: after a crash the journal
//    goes on behind it, and a batch that comes twice is skipped.
// 3. A new file's first transaction copies the positions, so the newest file knows them all.
// 4. A file of a past day is in journal mode DELETE and does not change again. Only today's file is migrated.
// 5. A damaged or foreign file is renamed, never deleted; one of a newer otlpd is left alone, and the store refuses.
// 6. Rows are reported as stored only when the file that they were committed to is still at its path.
// 7. A past day's file goes whole, after what it counted and the positions are in the history (`History.swift`).
// 8. A full disk or another's lock keeps no store from opening: the first write after it opens today's file.
//
//   open ──> older files: read positions, close those still in WAL mode ──> today's file: make, migrate, or resume
//   write ─> day over? close ─> BEGIN ─ position known? skip ─ rows ─ time range ─ position ─ COMMIT ─> still there?

package import Logging
package import OTLP
internal import SQLite
package import System

/// The day files of one directory. One store at a time writes to a directory.
///
/// Any thread may call; `write` holds the store's lock while it works on the disk, up to the busy timeout and the
/// time of the transaction.
package final class TelemetryStore: Sendable {
  struct State {
    /// Two writers would take each other's positions for their own.
    var lock: DirectoryLock?
    var file: DayFile?
    var positions = Positions()
    var clockWatch: ClockWatch
  }

  let directory: Directory
  let schema: StoreSchema
  let clock: any Clock
  let logger: Logger
  let busyTimeout: Duration
  let retention: Retention
  private let state: Lock<State>
  private let totals = Lock(StoreCounts())

  /// - Parameters:
  ///   - directory: made by `open` when it is missing.
  ///   - busyTimeout: how long a write waits for a lock that another process holds.
  ///   - retention: what `retain` deletes; everything stays without bounds.
  package init(
    directory: String, clock: any Clock, logger: Logger, schema: StoreSchema = .current,
    busyTimeout: Duration = .seconds(5), retention: Retention = Retention()
  ) {
    self.directory = Directory(path: directory)
    self.clock = clock
    self.logger = logger
    self.schema = schema
    self.busyTimeout = busyTimeout
    self.retention = retention
    state = Lock(State(clockWatch: ClockWatch(clock, latest: nil)))
  }

  // MARK: Life-cycle

  /// Closes the older files, learns the positions and opens today's file, or leaves that to the first write when the
  /// disk is full or failing, or the file is locked.
  ///
  /// - Throws: when the directory cannot be written or is in use, or when a file was written by a newer otlpd.
  package func open() throws(StoreError) {
    try state.withLock { (state) throws(StoreError) in
      try createDirectory()
      state.lock = try takeDirectory()
      try learnHistory(&state.positions)
      try finishOlderFiles(except: currentDay(state), refuseNewer: true, &state.positions)
      let day = currentDay(state)
      state.clockWatch = ClockWatch(clock, latest: try latestDay(before: day))
      do throws(StoreError) {
        state.file = try openFile(day, &state.positions)
        logger.info("store opened", metadata: ["file": "\(directory.path(of: day.fileName))"])
      } catch {
        guard error.kind == .busy || error.kind == .disk else { throw error }
        learnPositions(in: day.fileName, &state.positions)
        logger.warning("the store cannot be opened now; every batch tries again", metadata: ["error": "\(error)"])
      }
    }
  }

  /// Closes today's file. Nothing is lost without it: every batch was committed.
  package func close() {
    state.withLock { state in
      state.file = nil
      state.lock = nil
    }
  }

  // MARK: Work

  /// What became of a batch.
  package struct Outcome: Sendable, Equatable {
    /// Spans, log records or data points inserted.
    package let rows: Int
    /// Spans that the file had already, by trace id, span id and kind.
    package let duplicates: Int
    /// The whole batch was stored before, and nothing was written.
    package let wasStored: Bool
  }

  /// Stores the requests of one batch and its position, or nothing of it.
  ///
  /// Blocks on the disk. After an error the same batch may be tried again, with the same `lastSequence`.
  /// - Parameters:
  ///   - journal: the id of the journal that the sequence number belongs to.
  ///   - lastSequence: of the batch's last request.
  @discardableResult
  package func write(
    signal: Signal, requests: [ExportRequest], journal: UInt64, lastSequence: UInt64
  ) throws(StoreError) -> Outcome {
    let key = PositionKey(journal: journal, signal: signal)
    let outcome = try state.withLock { (state) throws(StoreError) in
      try store(requests, key, lastSequence, &state)
    }
    totals.withLock { totals in
      totals.rows[signal, default: 0] += outcome.rows
      totals.duplicateSpans += outcome.duplicates
      totals.skippedBatches += outcome.wasStored ? 1 : 0
    }
    return outcome
  }

  /// The sequence number up to which the signal is stored; nil when nothing of this journal is.
  package func position(of signal: Signal, in journal: UInt64) -> UInt64? {
    state.withLock { $0.positions[PositionKey(journal: journal, signal: signal)] }
  }

  /// Totals since the store was opened. Does not wait for a write.
  package var counts: StoreCounts { totals.withLock { $0 } }

  /// The bytes of all day files with their logs.
  package var bytes: Int {
    let names = (try? directory.entries()) ?? []
    return names.filter { $0.hasPrefix("telemetry-") }.reduce(0) { $0 + directory.size(of: $1) }
  }

  // MARK: Writing

  private func store(
    _ requests: [ExportRequest], _ key: PositionKey, _ lastSequence: UInt64, _ state: inout State
  ) throws(StoreError) -> Outcome {
    if let stored = state.positions[key], stored >= lastSequence {
      return Outcome(rows: 0, duplicates: 0, wasStored: true)
    }
    // A file that was deleted or turns out damaged is replaced, and the batch goes to the new one.
    for _ in 0..<2 {
      let file = try today(&state)
      do {
        let committed = try file.write(requests, key, lastSequence: lastSequence, at: clock.wall, now: clock.monotonic)
        guard isInPlace(file) else {
          noteLost(file)
          state.file = nil
          continue
        }
        state.positions.advance(key, to: lastSequence, at: clock.wall)
        return Outcome(rows: committed.rows, duplicates: committed.duplicates, wasStored: committed.wasStored)
      } catch {
        state.file = nil
        guard error.cause == .corrupt else {
          throw StoreError(error, path: directory.path(of: file.day.fileName))
        }
        try setAside(file.day.fileName, why: error.message)
      }
    }
    throw StoreError(kind: .corrupt, description: "the day's file in \(directory.path) was lost twice while writing")
  }

  /// The open file of the current day: kept, replaced when it is gone, or changed at midnight.
  private func today(_ state: inout State) throws(StoreError) -> DayFile {
    let day = currentDay(state)
    if let file = state.file, file.day == day {
      if isInPlace(file) { return file }
      noteLost(file)
    }
    let isNewDay = state.file.map { $0.day != day } ?? false
    state.file = nil
    try createDirectory()
    if isNewDay { try finishOlderFiles(except: day, refuseNewer: false, &state.positions) }
    let file = try openFile(day, &state.positions)
    state.file = file
    if isNewDay { logger.info("store begins a new day", metadata: ["file": "\(directory.path(of: day.fileName))"]) }
    return file
  }

  private func takeDirectory() throws(StoreError) -> DirectoryLock {
    let lock: DirectoryLock?
    do { lock = try directory.lock() } catch { throw StoreError(error) }
    if let lock { return lock }
    throw StoreError(
      kind: .inUse,
      description: "cannot use \(directory.path): another sqlite sink or another otlpd writes there. "
        + "Give each sqlite sink a directory of its own.")
  }

  private func createDirectory() throws(StoreError) {
    do { try directory.create() } catch { throw StoreError(error) }
  }

  func currentDay(_ state: State) -> Day {
    let names = state.file == nil ? (try? directory.entries()) ?? [] : []
    return Day.current(
      unixNanoseconds: clock.wall, newest: state.file?.day ?? names.compactMap { Day(fileName: $0) }.max())
  }

  private func isInPlace(_ file: DayFile) -> Bool { directory.identity(of: file.day.fileName) == file.identity }

  private func noteLost(_ file: DayFile) {
    totals.withLock { $0.lostFiles += 1 }
    logger.warning(
      "the store's file was deleted or replaced, a new one is made",
      metadata: ["file": "\(directory.path(of: file.day.fileName))"])
  }

  func noteCorrupt() { totals.withLock { $0.corruptFiles += 1 } }

  func noteDeleted(_ reason: Retention.Reason) { totals.withLock { $0.deletedFiles[reason, default: 0] += 1 } }

  func withState(_ body: (inout State) -> Void) { state.withLock(body) }
}
