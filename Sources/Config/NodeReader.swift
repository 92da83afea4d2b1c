// One value of the file under the eyes of a decoder: what it is, where, and how to complain about it.

internal import YAML

/// A node, the path that leads to it, and the list that mistakes go to.
package struct NodeReader {
  package let node: ConfigNode
  package let path: String
  package let diagnostics: ConfigDiagnostics

  package init(_ node: ConfigNode, path: String, diagnostics: ConfigDiagnostics) {
    self.node = node
    self.path = path
    self.diagnostics = diagnostics
  }

  package func fail(_ message: String) {
    diagnostics.error(ConfigProblem(position: node.position, path: path, message: message))
  }

  package func warn(_ message: String) {
    diagnostics.warn(ConfigProblem(position: node.position, path: path, message: message))
  }

  /// `expected a duration such as 10s, found the number 10`
  package func fail(expected: String, hint: String = "") {
    fail("expected \(expected), found \(node.found)\(hint)")
  }

  /// The text of a scalar, as written; nil for a list or a mapping, which is an error.
  package func text(expected: String) -> String? {
    if let text = node.expandedText { return text }
    guard case .scalar(let scalar) = node.content else {
      fail(expected: expected)
      return nil
    }
    return scalar.text
  }

  /// The items of a list; nothing is an empty list.
  package func items() -> [NodeReader]? {
    if node.isNull { return [] }
    guard case .list(let items) = node.content else {
      fail(expected: "a list")
      return nil
    }
    return items.enumerated().map { NodeReader($1, path: "\(path)[\($0)]", diagnostics: diagnostics) }
  }

  /// The keys of a mapping that the user names freely, such as component ids; nothing is an empty mapping.
  package func entries() -> [(key: NodeReader, name: String, value: NodeReader)]? {
    if node.isNull { return [] }
    guard case .mapping(let entries) = node.content else {
      fail(expected: "a mapping")
      return nil
    }
    return entries.map { entry in
      let path = self.path.isEmpty ? entry.key : "\(self.path)::\(entry.key)"
      let key = ConfigNode.null(at: entry.keyPosition)
      return (
        NodeReader(key, path: path, diagnostics: diagnostics), entry.key,
        NodeReader(entry.value, path: path, diagnostics: diagnostics)
      )
    }
  }

  /// Reads a mapping with known keys into `block`, which keeps its value for every key that is left out.
  package func read<Block: ConfigBlock>(into block: inout Block) {
    guard let map = MapReader(self) else { return }
    block.read(from: map)
    map.reportUnknownKeys()
  }
}
