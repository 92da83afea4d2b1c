// Deletes the files of past days, after what they counted was copied to the history.

internal import Logging
internal import SQLite
internal import System

extension TelemetryStore {
  /// Deletes the files of past days that are beyond a bound, oldest first. Called from time to time.
  ///
  /// Blocks on the disk, and holds the store's lock. The history has a day's counts, its mark and the positions,
  /// synced, before the day's file goes; so a deletion that is cut short is done again and counts nothing twice.
  /// A file that cannot be read or copied stays until it can.
  package func retain() {
    withState { state in
      guard state.lock != nil else { return }
      do throws(StoreError) {
        try closeYesterday(&state)
        let isBelieved = state.clockWatch.believes(clock)
        for file in try excess(before: currentDay(state), isBelieved) { try delete(file, state.positions) }
      } catch {
        logger.warning("old files of the store cannot be deleted now", metadata: ["error": "\(error)"])
      }
    }
  }

  /// A past day's file and why it has to go.
  private struct Excess {
    let day: Day
    let bytes: Int
    let reason: Retention.Reason
  }

  /// An idle store has no write that would change the day.
  private func closeYesterday(_ state: inout State) throws(StoreError) {
    let day = currentDay(state)
    guard let file = state.file, file.day != day else { return }
    state.file = nil
    try finishOlderFiles(except: day, refuseNewer: false, &state.positions)
  }

  /// The days that have files, in their order.
  private var days: [Day] {
    get throws(StoreError) {
      do { return try directory.entries().compactMap { Day(fileName: $0) }.sorted() } catch { throw StoreError(error) }
    }
  }

  func latestDay(before today: Day) throws(StoreError) -> Day? { try days.last { $0 < today } }

  /// - Parameter isTimeBelieved: whether a file may go because of its age.
  private func excess(before today: Day, _ isTimeBelieved: Bool) throws(StoreError) -> [Excess] {
    var retention = retention
    if !isTimeBelieved { retention.maxAge = nil }
    let days = try self.days
    var bytes = size(of: History.fileName) + days.reduce(0) { $0 + size(of: $1.fileName) }
    var excess: [Excess] = []
    for day in days where day < today {
      guard let reason = retention.reason(toDelete: day, at: clock.wall, bytes: bytes) else { break }
      let size = size(of: day.fileName)
      excess.append(Excess(day: day, bytes: size, reason: reason))
      bytes -= size
    }
    return excess
  }

  private func delete(_ file: Excess, _ positions: Positions) throws(StoreError) {
    let name = file.day.fileName
    guard try copy(file.day, positions) else { return }
    do {
      // The file before its log: without the file the log says nothing, and a new file would remove it.
      for suffix in DayFile.suffixes { try directory.remove(name + suffix) }
    } catch { throw StoreError(error) }
    noteDeleted(file.reason)
    logger.info(
      "deleted a past day's file; its counts per hour are kept",
      metadata: ["file": "\(directory.path(of: name))", "bytes": "\(file.bytes)", "reason": "\(file.reason)"])
  }

  /// Copies what a day counted to the history; damaged files are set aside.
  ///
  /// - Returns: whether the day's file may go.
  private func copy(_ day: Day, _ positions: Positions) throws(StoreError) -> Bool {
    var learned = positions
    do { try finish(day.fileName, &learned) } catch { return try leave(day.fileName, error) }
    let source: Database
    do {
      source = try Database(path: directory.path(of: day.fileName), mode: .readOnly, busyTimeout: .milliseconds(200))
    } catch { return try leave(day.fileName, error) }
    let history = try openHistory()
    do throws(HistoryError) {
      try history.take(day, from: source, positions: learned, at: clock.wall)
      return true
    } catch {
      switch error {
      case .source(let error): return try leave(day.fileName, error)
      case .history(let error) where error.cause == .corrupt:
        try setAside(History.fileName, why: error.message)
        return false
      case .history(let error): throw StoreError(error, path: directory.path(of: History.fileName))
      }
    }
  }

  /// Sets a damaged or foreign file aside; another stays for the next time.
  private func leave(_ name: String, _ error: any Error) throws(StoreError) -> Bool {
    if let error = error as? SQLiteError, error.cause == .corrupt {
      try setAside(name, why: error.message)
    } else if case DayFileProblem.foreign = error {
      try setAside(name, why: "it is a database of another application")
    } else {
      warn(name, error)
    }
    return false
  }

  private func size(of name: String) -> Int { DayFile.suffixes.reduce(0) { $0 + directory.size(of: name + $1) } }
}
