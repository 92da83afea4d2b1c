// Opens a journal as the settings say: in memory, or in a directory that this process owns alone.

package import SelfTelemetry
package import System

extension Journal {
  /// Opens the journal, and recovers what an earlier life left.
  ///
  /// - Parameters:
  ///   - onWarning: called outside all locks, on any thread: soon the journal or the disk is full, or no more.
  ///   - onFailure: called once, on the journal's thread, when the disk failed: nothing more can be written, and the
  ///     process should end with status 74. Everything that waited was refused.
  /// - Throws: `JournalError`; damage is no error.
  package static func open(
    settings: JournalSettings, clock: any Clock, metrics: MetricRegistry,
    onWarning: @escaping @Sendable (JournalWarning.Change) -> Void = { _ in },
    onFailure: @escaping @Sendable (SystemError) -> Void
  ) throws(JournalError) -> Journal {
    if settings.durability == .memory {
      return Journal(settings: settings, clock: clock, metrics: metrics, onWarning: onWarning)
    }
    let directory = Directory(path: settings.directory)
    let files: DiskDirectory
    let lock: FileLock
    do {
      try directory.create()
      files = try DiskDirectory(path: settings.directory)
      try Journal.settle(directory, files)
    } catch { throw .failed(error) }
    do { lock = try FileLock(path: directory.path(of: JournalFormat.lock)) } catch {
      switch error {
      case .held(let processID): throw .inUse(directory: settings.directory, processID: processID)
      case .failed(let error): throw .failed(error)
      }
    }
    return try Journal.open(
      files: files, lock: lock, settings: settings, clock: clock, metrics: metrics, onWarning: onWarning,
      onFailure: onFailure)
  }

  /// Makes a new directory's own name durable, and those above it that may be new: what is in it goes with them.
  private static func settle(_ directory: Directory, _ files: DiskDirectory) throws(SystemError) {
    guard try files.list().isEmpty else { return }
    var path = Substring(directory.path)
    while let slash = path.lastIndex(of: "/") {
      path = path[..<slash]
      // One that this process may not even read is none that it made.
      try? DiskDirectory(path: path.isEmpty ? "/" : String(path)).syncDirectory()
    }
    if !directory.path.hasPrefix("/") { try? DiskDirectory(path: ".").syncDirectory() }
  }

  /// Opens a journal in `files`, which nobody else may use. Tests come here with their own file system.
  package static func open(
    files: any FileSystem, lock: FileLock? = nil, settings: JournalSettings, relaxations: Relaxations = [],
    clock: any Clock, metrics: MetricRegistry,
    onWarning: @escaping @Sendable (JournalWarning.Change) -> Void = { _ in },
    onFailure: @escaping @Sendable (SystemError) -> Void = { _ in }
  ) throws(JournalError) -> Journal {
    let counters = JournalMetrics(metrics)
    let log = try DiskLog(
      files: files, settings: settings, relaxations: relaxations, clock: clock, metrics: counters,
      onWarning: onWarning, onFailure: onFailure)
    return Journal(
      log: log, lock: lock, settings: settings, clock: clock, metrics: counters, registry: metrics,
      onWarning: onWarning)
  }

  /// Does what the journal's thread would do now, on this thread: for tests, instead of `start`.
  package func turn() { while log?.turn() == true {} }
}
