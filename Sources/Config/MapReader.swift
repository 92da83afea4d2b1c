// Strict decoding of a mapping: every key is asked for by name, and what nobody asked for is an error.

/// A part of the configuration with known keys: its stored properties hold the defaults until the file overrides them.
package protocol ConfigBlock {
  init()

  /// Asks `map` for every key there is; reports what does not fit together.
  mutating func read(from map: MapReader)
}

/// Reads the keys of one mapping. A class, since it remembers which keys were asked for.
package final class MapReader {
  /// The mapping itself, to complain about it as a whole.
  package let reader: NodeReader
  private let entries: [String: ConfigNode.Entry]
  private var knownKeys: Set<String> = []

  /// - Returns: nil when the node is no mapping, which is an error; nothing is an empty mapping.
  package init?(_ reader: NodeReader) {
    self.reader = reader
    if reader.node.isNull {
      entries = [:]
    } else if case .mapping(let list) = reader.node.content {
      entries = Dictionary(uniqueKeysWithValues: list.map { ($0.key, $0) })
    } else {
      reader.fail(expected: "a mapping")
      return nil
    }
  }

  package var diagnostics: ConfigDiagnostics { reader.diagnostics }

  /// The value of a key, to decode by hand; nil when the file does not have it.
  package func value(_ key: String) -> NodeReader? {
    let path = path(key)
    knownKeys.insert(key)
    diagnostics.know(path)
    return entries[key].map { NodeReader($0.value, path: path, diagnostics: diagnostics) }
  }

  /// Reads one value; what is missing, empty or wrong leaves `value` as it is.
  package func read<Value: ConfigValue>(_ key: String, into value: inout Value) {
    if let decoded: Value = decoded(key) { value = decoded }
    diagnostics.noteValue(path(key), value.written)
  }

  package func read<Value: ConfigValue>(_ key: String, into value: inout Value?) {
    if let decoded: Value = decoded(key) { value = decoded }
    diagnostics.noteValue(path(key), value?.written)
  }

  /// Reads a nested block in place.
  package func read<Block: ConfigBlock>(_ key: String, into block: inout Block) {
    let nested = value(key) ?? NodeReader(.null(at: reader.node.position), path: path(key), diagnostics: diagnostics)
    // Checks that need a key must see that it is missing, so a block that is left out is read, too.
    nested.read(into: &block)
  }

  /// Reads a block that is off unless the file has it; `key:` alone turns it on when `isOnWhenEmpty`.
  package func read<Block: ConfigBlock>(_ key: String, into block: inout Block?, isOnWhenEmpty: Bool = false) {
    let nested = value(key)
    if let nested, isOnWhenEmpty || !nested.node.isNull {
      var decoded = block ?? Block()
      nested.read(into: &decoded)
      block = decoded
    } else if diagnostics.recordsKnownPaths {
      let scratch = ConfigDiagnostics(recordsKnownPaths: true)
      var decoded = Block()
      NodeReader(.null(at: reader.node.position), path: path(key), diagnostics: scratch).read(into: &decoded)
      diagnostics.know(scratch.knownPaths)
    }
  }

  /// Checks a key that has no effect yet, and notes it when its value is not the default.
  package func inert<Value: ConfigValue & Equatable>(_ key: String, default expected: Value) {
    if let decoded: Value = decoded(key), decoded != expected { noteInert(key) }
  }

  package func inert<Value: ConfigValue>(_ key: String, as: Value.Type) {
    if let _: Value = decoded(key) { noteInert(key) }
  }

  /// Checks a whole block that has no effect yet, and notes it when the file has it.
  package func inert<Block: ConfigBlock>(_ key: String, as: Block.Type, isOnWhenEmpty: Bool = false) {
    var block: Block?
    diagnostics.insideInertBlock { read(key, into: &block, isOnWhenEmpty: isOnWhenEmpty) }
    if block != nil { noteInert(key) }
  }

  /// Notes a key of any form that has no effect yet.
  package func inert(_ key: String) {
    diagnostics.noteUnread(path(key))
    if let value = value(key), !value.node.isEmpty { noteInert(key) }
  }

  package func noteInert(_ key: String) {
    if let entry = entries[key] { diagnostics.noteInert(path(key), at: entry.keyPosition) }
  }

  /// Complains about a key, or about the mapping when it does not have the key.
  package func fail(_ key: String, _ message: String) {
    let position = entries[key]?.value.position ?? reader.node.position
    diagnostics.error(ConfigProblem(position: position, path: path(key), message: message))
  }

  /// Says what a key comes to, when its effect is not what its name says elsewhere.
  package func note(_ key: String, _ message: String) {
    if let entry = entries[key] {
      diagnostics.note(ConfigProblem(position: entry.keyPosition, path: path(key), message: message))
    }
  }

  package func warn(_ key: String, _ message: String) {
    let position = entries[key]?.value.position ?? reader.node.position
    diagnostics.warn(ConfigProblem(position: position, path: path(key), message: message))
  }

  /// Complains unless `condition` holds.
  package func require(_ condition: Bool, _ key: String, _ message: @autoclosure () -> String) {
    if !condition { fail(key, message()) }
  }

  func reportUnknownKeys() {
    for entry in entries.values where !knownKeys.contains(entry.key) {
      let hint = suggestion(for: entry.key, among: knownKeys)
      let list = hint.isEmpty ? "; it has: \(knownKeys.sorted().joined(separator: ", "))" : hint
      diagnostics.error(
        ConfigProblem(
          position: entry.keyPosition, path: reader.path,
          message: "unknown key \(quoted(entry.key))\(knownKeys.isEmpty ? "; it has no keys" : list)"))
    }
  }

  private func path(_ key: String) -> String { reader.path.isEmpty ? key : "\(reader.path)::\(key)" }

  private func decoded<Value: ConfigValue>(_ key: String) -> Value? {
    guard let value = value(key) else { return nil }
    // An unset variable is an empty text for a text, and nothing for everything else.
    if value.node.isNull, !Value.isText || value.node.expandedText == nil { return nil }
    return Value.decode(value)
  }
}

extension ConfigNode {
  /// Nothing, or a list or mapping with nothing in it.
  package var isEmpty: Bool {
    switch content {
    case .scalar: isNull
    case .list(let items): items.isEmpty
    case .mapping(let entries): entries.isEmpty
    }
  }
}
