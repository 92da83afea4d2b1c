// One file of whole records, and the older ones that it was.

package import System

/// Appends records: a call's are all in the file and on the disk when it returns, or none is in the file.
///
/// 1. The first `size` bytes are whole records, and on the disk.
/// 2. What a failed call, or a killed process, left behind them is cut off before anything is written there.
/// 3. The file at `path` is the one that is written: when it was moved or removed, the next call begins a new one.
///
/// One thread at a time.
package final class RecordFile {
  private struct Opened {
    let directory: any FileSystem
    let file: any File
    let identity: FileIdentity
  }

  package let path: String
  private let form: RecordForm
  private let rotation: FileRotation?
  private let clock: any Clock
  private let openDirectory: (String) throws(SystemError) -> any FileSystem
  private let parent: Directory
  private let name: String
  private var opened: Opened?
  private var size = 0
  /// How often the file was full.
  package private(set) var rotations = 0
  /// A call failed: of this file, the first `size` bytes count.
  private var unclean: FileIdentity?

  /// - Parameters:
  ///   - rotation: nil lets the file grow for ever.
  ///   - openDirectory: opens the directory of the file; replaced by tests.
  package init(
    path: String, form: RecordForm, rotation: FileRotation?, clock: any Clock,
    openDirectory: @escaping (String) throws(SystemError) -> any FileSystem = { path throws(SystemError) in
      try DiskDirectory(path: path)
    }
  ) {
    self.path = path
    self.form = form
    self.rotation = rotation
    self.clock = clock
    self.openDirectory = openDirectory
    let slash = path.lastIndex(of: "/")
    name = String(slash.map { path[path.index(after: $0)...] } ?? path[...])
    parent = Directory(path: slash.map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? ".")
  }

  /// Opens the file, or makes it, and cuts off a record that was never finished.
  ///
  /// - Parameter fresh: whether to forget what is in it.
  /// - Returns: bytes that were cut off.
  @discardableResult
  package func open(fresh: Bool = false) throws(RecordFileError) -> Int {
    let (found, end, known): (Opened, Int, Int?)
    do throws(SystemError) {
      found = try openFile()
      end = try found.file.size()
      let isUnclean = unclean == found.identity && size <= end
      known = fresh ? 0 : isUnclean ? size : try form.wholeBytes(of: found.file)
    } catch {
      throw .system(error)
    }
    guard let whole = known else { throw .foreign(path) }
    do throws(SystemError) {
      if whole < end { try found.file.truncate(to: whole) }
      try found.file.sync()
    } catch {
      throw .system(error)
    }
    (opened, size, unclean) = (found, whole, nil)
    return end - whole
  }

  private func openFile() throws(SystemError) -> Opened {
    let directory = try openDirectory(parent.path)
    var file: (any File)?
    do throws(SystemError) {
      file = try directory.open(name)
    } catch {
      guard error.isMissing else { throw error }
      file = try directory.create(name)
      try directory.syncDirectory()
    }
    guard let file, let identity = parent.identity(of: name) else { throw .gone("cannot open \(path)") }
    return Opened(directory: directory, file: file, identity: identity)
  }

  /// Whether the file is still where it was, and as it was left.
  private func isUntouched(_ opened: Opened) -> Bool {
    parent.identity(of: name) == opened.identity && (try? opened.file.size()) == size
  }

  /// Appends whole records; a file that would grow over its limit is put aside before.
  package func append(_ records: Span<UInt8>) throws(RecordFileError) {
    if let opened, !isUntouched(opened) { self.opened = nil }
    if opened == nil { try open() }
    if let rotation, size > 0, size + records.count > rotation.bytesMax { try rotate(rotation) }
    guard let opened else { throw .system(.gone("cannot write \(path)")) }
    do throws(SystemError) {
      try opened.file.write(records, at: size)
      try opened.file.sync()
      size += records.count
    } catch {
      // What was written is not sure to be there: it goes at once, and again when the file was opened anew, since a
      // file whose sync failed must not be asked again.
      try? opened.file.truncate(to: size)
      unclean = opened.identity
      self.opened = nil
      throw .system(error)
    }
  }

  /// Removes the files that the rotation does not keep; returns what went wrong.
  package func prune() -> SystemError? {
    guard let rotation, let directory = opened?.directory else { return nil }
    do throws(SystemError) {
      for old in rotation.surplus(in: try directory.list(), of: name, now: clock.wall) { try directory.remove(old) }
    } catch {
      return error
    }
    return nil
  }

  private func rotate(_ rotation: FileRotation) throws(RecordFileError) {
    guard let directory = opened?.directory else { return }
    do throws(SystemError) {
      try directory.rename(name, to: rotation.backup(of: name, now: clock.wall, among: try directory.list()))
    } catch {
      throw .system(error)
    }
    opened = nil
    rotations += 1
    try open()
  }
}
