// Several configurations become one as in the Collector: mappings key by key, everything else by the later one.

extension ConfigNode {
  /// This tree with a later one laid over it. A list, a scalar and nothing (`key:`) replace what was there.
  func merged(with later: ConfigNode) -> ConfigNode {
    guard case .mapping(var entries) = content, case .mapping(let changes) = later.content else { return later }
    for change in changes {
      if let index = entries.firstIndex(where: { $0.key == change.key }) {
        let value = entries[index].value.merged(with: change.value)
        entries[index] = Entry(key: change.key, keyPosition: change.keyPosition, value: value)
      } else {
        entries.append(change)
      }
    }
    return ConfigNode(.mapping(entries), at: later.position)
  }

  /// With keys such as `exporters::debug::verbosity` at the top taken apart, as the Collector does.
  var withKeysApart: ConfigNode {
    guard case .mapping(let entries) = content, entries.contains(where: { $0.key.contains("::") }) else { return self }
    return entries.reduce(ConfigNode(.mapping([]), at: position)) { tree, entry in
      // A key of thousands of parts is a mistake that the decoder names; as a tree it would exhaust the stack.
      let keys = ConfigSource.keys(entry.key)
      let parts = keys.count <= ConfigLimits.depthMax ? keys : [entry.key]
      return tree.merged(with: .under(parts, entry.value, keyPosition: entry.keyPosition))
    }
  }

  /// A value below some keys.
  static func under(_ keys: [String], _ value: ConfigNode, keyPosition: SourcePosition) -> ConfigNode {
    keys.reversed().reduce(value) { node, key in
      ConfigNode(.mapping([Entry(key: key, keyPosition: keyPosition, value: node)]), at: keyPosition)
    }
  }

  /// With everything in it at one place.
  func moved(to position: SourcePosition) -> ConfigNode {
    switch content {
    case .scalar: ConfigNode(content, at: position)
    case .list(let items): ConfigNode(.list(items.map { $0.moved(to: position) }), at: position)
    case .mapping(let entries):
      ConfigNode(
        .mapping(entries.map { Entry(key: $0.key, keyPosition: position, value: $0.value.moved(to: position)) }),
        at: position)
    }
  }
}
