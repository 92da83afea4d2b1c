// The configuration as it is used: everything merged and expanded, defaults filled in, secrets covered.

internal import YAML

/// What the decoders told about a tree while they read it.
struct EffectiveNotes {
  /// Values by their path, whether from the file or not; in the order in which they were asked for.
  var values: [(path: String, content: ConfigNode.Content)] = []
  /// What was read as a secret.
  var secrets: Set<String> = []
  /// What nobody looked into: it has no effect, and may hold anything.
  var unread: Set<String> = []
}

extension ConfigDocument {
  /// The document as a YAML text that comes to the same configuration, unless a secret is in it.
  ///
  /// - Parameter diagnostics: of reading this very document, without errors.
  package func effectiveText(_ diagnostics: ConfigDiagnostics) -> String {
    let notes = diagnostics.effective
    var tree = root
    for (path, content) in notes.values where !path.contains("[") {
      tree.fill(path, content)
    }
    return tree.covered(notes, path: "").yaml
  }
}

extension ConfigNode {
  /// Puts a default where the file has nothing.
  fileprivate mutating func fill(_ path: String, _ value: Content) {
    if path.isEmpty {
      if isNull { content = value }
      return
    }
    // A variable that is empty stands for an empty text.
    if isNull, expandedText == nil { content = .mapping([]) }
    guard case .mapping(var entries) = content else { return }
    // The name of a component may have `::` in it, so what is there goes before what the path looks like.
    let present = entries.indices.filter { path == entries[$0].key || path.hasPrefix("\(entries[$0].key)::") }
      .max { entries[$0].key.count < entries[$1].key.count }
    let index = present ?? entries.endIndex
    let key = present.map { entries[$0].key } ?? ConfigSource.keys(path)[0]
    if present == nil { entries.append(Entry(key: key, keyPosition: position, value: .null(at: position))) }
    entries[index].value.fill(String(path.dropFirst(key.count + 2)), value)
    content = .mapping(entries)
  }

  /// With what must not be shown replaced.
  fileprivate func covered(_ notes: EffectiveNotes, path: String) -> ConfigNode {
    if notes.unread.contains(path) { return .null(at: position) }
    if notes.secrets.contains(path), !isEmpty {
      return ConfigNode(.scalar(.init(text: "\(Secret(""))", isPlain: false)), at: position)
    }
    switch content {
    case .scalar(let scalar):
      var text = scalar
      // Of a variable a text is meant, or something else that is the same in both forms.
      if let expandedText, case .string? = scalarValue { text = .init(text: expandedText, isPlain: false) }
      if let address = Self.withoutPassword(text.text) { text = .init(text: address, isPlain: false) }
      return ConfigNode(.scalar(text), at: position)
    case .list(let items):
      let covered = items.enumerated().map { $0.element.covered(notes, path: "\(path)[\($0.offset)]") }
      return ConfigNode(.list(covered), at: position)
    case .mapping(let entries):
      let covered = entries.map { entry in
        let path = path.isEmpty ? entry.key : "\(path)::\(entry.key)"
        return Entry(key: entry.key, keyPosition: position, value: entry.value.covered(notes, path: path))
      }
      return ConfigNode(.mapping(covered), at: position)
    }
  }

  /// `http://user:password@proxy:3128` without what is before the `@`; nil when there is nothing of the kind.
  private static func withoutPassword(_ text: String) -> String? {
    guard let sign = text.lastIndex(of: "@"), text[..<sign].contains("://") else { return nil }
    let scheme = text[..<sign].prefix { $0 != ":" }
    return "\(scheme)://\(Secret(""))\(text[sign...])"
  }
}
