// A file system for tests: every change of it is a moment at which power may be lost.

import System

/// Rules of a file system, or of those who use it, that are switched off to see whether a test notices.
enum DiskFlaw: String, CaseIterable {
  /// Syncing a file does nothing.
  case noSync
  /// Syncing the directory does nothing.
  case noDirectorySync
  /// A failed sync is tried again, and the second one finds nothing to do.
  case retriedSync
}

/// `DiskImage` as a `FileSystem`. Before every change it calls `moment`, which may end the disk's life by throwing.
final class SimulatedDisk: FileSystem {
  struct Faults {
    var flaw: DiskFlaw?
    /// One in so many syncs fails; 0: none.
    var syncFailure = 0
    /// One in so many writes finds no space after a part; 0: none.
    var noSpace = 0
    /// What such a write says: ENOSPC, EFBIG or EDQUOT.
    var noSpaceCode: Int32 = 28
    /// What opening a file says; 0: nothing.
    var openCode: Int32 = 0
  }

  struct Dead: Error {}

  private struct State {
    var image: DiskImage
    var faults = Faults()
    var random: SeededRandom
    var isDead = false
    var space = FileSystemSpace(total: 1 << 40, free: 1 << 39)
  }

  private let state: Lock<State>
  private let moment = Lock(Moment())

  /// A function in a value: one that passes through a generic type by itself gets a new wrapper each time.
  private struct Moment {
    var body: (@Sendable () throws(Dead) -> Void)?
  }

  init(_ image: DiskImage = DiskImage(), faults: Faults = Faults(), seed: UInt64 = 1) {
    state = Lock(State(image: image, faults: faults, random: SeededRandom(state: seed)))
  }

  var image: DiskImage { state.withLock { $0.image } }

  func setFaults(_ faults: Faults) { state.withLock { $0.faults = faults } }

  func setMoment(_ body: (@Sendable () throws(Dead) -> Void)?) { moment.withLock { $0.body = body } }

  fileprivate func change<Result>(
    _ body: (inout DiskImage, inout SeededRandom, Faults) throws(SystemError) -> Result
  ) throws(SystemError) -> Result {
    if let body = moment.withLock({ $0 }).body {
      do { try body() } catch { state.withLock { $0.isDead = true } }
    }
    return try state.withLock { (state) throws(SystemError) in
      if state.isDead { throw SystemError(code: 5, doing: "the machine is off") }
      return try body(&state.image, &state.random, state.faults)
    }
  }

  // MARK: FileSystem

  func list() throws(SystemError) -> [String] { image.list }

  func create(_ name: String) throws(SystemError) -> any File {
    let node = try change { (image, random, faults) throws(SystemError) in
      if image.node(name) != nil { throw SystemError(code: 17, doing: "cannot create \(name)") }
      try SimulatedDisk.requireSpace(&random, faults)
      return image.create(name)
    }
    return SimulatedFile(disk: self, node: node)
  }

  func open(_ name: String) throws(SystemError) -> any File {
    guard let node = image.node(name) else { throw SystemError(code: 2, doing: "cannot open \(name)") }
    let code = state.withLock { $0.faults.openCode }
    if code != 0 { throw SystemError(code: code, doing: "cannot open \(name)") }
    return SimulatedFile(disk: self, node: node)
  }

  func rename(_ name: String, to newName: String) throws(SystemError) {
    try change { (image, _, _) throws(SystemError) in image.rename(name, to: newName) }
  }

  func remove(_ name: String) throws(SystemError) {
    guard image.node(name) != nil else { return }
    try change { (image, _, _) throws(SystemError) in image.unlink(name) }
  }

  func syncDirectory() throws(SystemError) {
    try change { (image, _, faults) throws(SystemError) in
      if faults.flaw != .noDirectorySync { image.syncNames() }
    }
  }

  func space() throws(SystemError) -> FileSystemSpace {
    state.withLock { $0.space }
  }

  func setFree(_ bytes: Int, of total: Int = 1 << 40) {
    state.withLock { $0.space = FileSystemSpace(total: total, free: bytes) }
  }

  var isInPlace: Bool { true }

  fileprivate static func requireSpace(_ random: inout SeededRandom, _ faults: Faults) throws(SystemError) {
    if faults.noSpace > 0, Int.random(in: 0..<faults.noSpace, using: &random) == 0 {
      throw SystemError(code: faults.noSpaceCode, doing: "cannot write")
    }
  }
}

private final class SimulatedFile: File {
  private let disk: SimulatedDisk
  private let node: Int

  init(disk: SimulatedDisk, node: Int) {
    self.disk = disk
    self.node = node
  }

  func size() throws(SystemError) -> Int { disk.image.content(node).count }

  func write(_ bytes: Span<UInt8>, at offset: Int) throws(SystemError) {
    let content = unsafe bytes.withUnsafeBufferPointer { unsafe [UInt8]($0) }
    // Two changes, so that power can be lost between them.
    let half = content.count / 2
    for part in [0..<half, half..<content.count] {
      try disk.change { (image, random, faults) throws(SystemError) in
        do throws(SystemError) { try SimulatedDisk.requireSpace(&random, faults) } catch {
          let some = part.lowerBound..<Int.random(in: part.lowerBound...part.upperBound, using: &random)
          image.write(content[some], to: node, at: offset + some.lowerBound)
          throw error
        }
        image.write(content[part], to: node, at: offset + part.lowerBound)
      }
    }
  }

  func read(at offset: Int, into output: inout OutputRawSpan) throws(SystemError) {
    let image = disk.image
    let content = image.content(node)
    let count = min(output.freeCapacity, max(0, content.count - offset))
    guard count > 0 else { return }
    if !image.isReadable(node, offset..<offset + count) { throw SystemError(code: 5, doing: "cannot read") }
    // Safe: `count` bytes are free in the output and there in the content.
    unsafe output.withUnsafeMutableBytes { bytes, filled in
      unsafe UnsafeMutableRawBufferPointer(rebasing: bytes[filled..<filled + count])
        .copyBytes(from: content[offset..<offset + count])
      filled += count
    }
  }

  func sync() throws(SystemError) {
    try disk.change { (image, random, faults) throws(SystemError) in
      if faults.flaw == .noSync { return }
      guard faults.syncFailure > 0, Int.random(in: 0..<faults.syncFailure, using: &random) == 0 else {
        return image.sync(node)
      }
      image.failSync(node)
      if faults.flaw != .retriedSync { throw SystemError(code: 5, doing: "cannot sync") }
    }
  }

  func truncate(to size: Int) throws(SystemError) {
    try disk.change { (image, _, _) throws(SystemError) in image.truncate(node, to: size) }
  }

  func reserve(upTo size: Int) throws(SystemError) {}
}
