// A disk with a cache in front of it, as values: what programs see, and what a loss of power leaves.

/// The files of one directory.
///
/// What was not synced persists per sector in any subset, the size of a file apart from its content, and directory
/// entries as any prefix or subset of the changes. A failed sync forgets which pages were dirty without storing them.
struct DiskImage {
  private struct Node {
    /// What programs see.
    var live: [UInt8] = []
    /// What the platters hold.
    var stored: [UInt8] = []
    var dirtySectors: Set<Int> = []
    var isResized = false
    /// Sectors that the medium does not give back, until they are written again.
    var spoiled: Set<Int> = []
  }

  private enum NameChange {
    case link(String, Int)
    case rename(String, String, Int)
    case unlink(String)
  }

  private var nodes: [Int: Node] = [:]
  private var names: [String: Int] = [:]
  private var storedNames: [String: Int] = [:]
  private var changes: [NameChange] = []
  private var nodesMade = 0

  static let sectorBytes = 512

  var list: [String] { names.keys.sorted() }

  func node(_ name: String) -> Int? { names[name] }

  func content(_ node: Int) -> [UInt8] { nodes[node]?.live ?? [] }

  // MARK: Changes

  mutating func create(_ name: String) -> Int {
    nodesMade += 1
    nodes[nodesMade] = Node()
    names[name] = nodesMade
    changes.append(.link(name, nodesMade))
    return nodesMade
  }

  mutating func write(_ bytes: ArraySlice<UInt8>, to node: Int, at offset: Int) {
    guard !bytes.isEmpty, var file = nodes[node] else { return }
    nodes[node] = nil
    let end = offset + bytes.count
    if file.live.count < end { file.live += [UInt8](repeating: 0, count: end - file.live.count) }
    file.live.replaceSubrange(offset..<end, with: bytes)
    for sector in offset / DiskImage.sectorBytes...(end - 1) / DiskImage.sectorBytes {
      file.dirtySectors.insert(sector)
      file.spoiled.remove(sector)
    }
    nodes[node] = file
  }

  mutating func truncate(_ node: Int, to size: Int) {
    guard var file = nodes[node] else { return }
    if file.live.count > size { file.live.removeLast(file.live.count - size) }
    file.dirtySectors.insert(size / DiskImage.sectorBytes)
    file.isResized = true
    nodes[node] = file
  }

  mutating func sync(_ node: Int) {
    guard var file = nodes[node] else { return }
    file.stored = file.live
    file.dirtySectors = []
    file.isResized = false
    nodes[node] = file
  }

  /// The kernel could not store the pages, says so once, and takes them for clean from then on.
  mutating func failSync(_ node: Int) {
    nodes[node]?.dirtySectors = []
    nodes[node]?.isResized = false
  }

  mutating func rename(_ name: String, to newName: String) {
    guard let node = names.removeValue(forKey: name) else { return }
    names[newName] = node
    changes.append(.rename(name, newName, node))
  }

  mutating func unlink(_ name: String) {
    guard names.removeValue(forKey: name) != nil else { return }
    changes.append(.unlink(name))
  }

  mutating func syncNames() {
    for change in changes { store(change) }
    changes = []
  }

  private mutating func store(_ change: NameChange) {
    switch change {
    case .link(let name, let node): storedNames[name] = node
    case .unlink(let name): storedNames[name] = nil
    case .rename(let name, let newName, let node):
      storedNames[name] = nil
      storedNames[newName] = node
    }
  }

  // MARK: Loss of power

  mutating func losePower(_ random: inout SeededRandom) {
    if Int.random(in: 0..<10, using: &random) < 7 {
      for change in changes.prefix(Int.random(in: 0...changes.count, using: &random)) { store(change) }
    } else {
      for change in changes where Bool.random(using: &random) { store(change) }
    }
    changes = []
    names = storedNames
    let reachable = Set(names.values)
    for node in nodes.keys.sorted() {
      guard reachable.contains(node), let file = nodes[node] else {
        nodes[node] = nil
        continue
      }
      nodes[node] = DiskImage.afterLoss(file, &random)
    }
  }

  private static func afterLoss(_ file: Node, _ random: inout SeededRandom) -> Node {
    var stored = file.stored
    if !file.dirtySectors.isEmpty || file.isResized {
      let sizes = min(stored.count, file.live.count)...max(stored.count, file.live.count)
      let size =
        switch Int.random(in: 0..<10, using: &random) {
        case 0..<4: file.live.count
        case 4..<7: stored.count
        default: Int.random(in: sizes, using: &random)
        }
      if stored.count > size { stored.removeLast(stored.count - size) }
      stored += [UInt8](repeating: 0, count: size - stored.count)
      for sector in file.dirtySectors.sorted() where Bool.random(using: &random) {
        let start = sector * sectorBytes
        let end = min(start + sectorBytes, size, file.live.count)
        if start < end { stored.replaceSubrange(start..<end, with: file.live[start..<end]) }
      }
    }
    return Node(live: stored, stored: stored, spoiled: file.spoiled)
  }

  // MARK: Damage

  /// Makes reads of the sector fail.
  mutating func spoil(_ name: String, sector: Int) {
    guard let node = names[name] else { return }
    nodes[node]?.spoiled.insert(sector)
  }

  /// Whether the medium gives back these bytes.
  func isReadable(_ node: Int, _ bytes: Range<Int>) -> Bool {
    guard let spoiled = nodes[node]?.spoiled else { return true }
    return !spoiled.contains { sector in
      bytes.overlaps(sector * DiskImage.sectorBytes..<(sector + 1) * DiskImage.sectorBytes)
    }
  }

  /// Flips one bit, on the platters and in the cache.
  mutating func flip(_ name: String, byte: Int, bit: UInt8) {
    guard let node = names[name], var file = nodes[node], byte < file.live.count else { return }
    file.live[byte] ^= 1 << bit
    file.stored = file.live
    nodes[node] = file
  }
}
