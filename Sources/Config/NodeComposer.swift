// Builds the tree of a config file from YAML events: anchors, merge keys, and the bounds of both.

internal import YAML

/// Bounds on a config file: a mistake or an attack must not eat the machine.
package enum ConfigLimits {
  package static let bytesMax = 4 << 20
  /// Lists and mappings, or `${…}`, inside each other.
  package static let depthMax = 64
  /// Values after every alias has been followed: a few nested aliases can stand for billions.
  package static let nodesMax = 100_000
  /// `${…}` in one file.
  package static let expansionsMax = 1000
}

/// Reads one document and returns its tree, or throws the mistake that makes the rest unreadable.
struct NodeComposer {
  private let parser: YAMLParser
  private let file: String
  private let diagnostics: ConfigDiagnostics
  /// Finished nodes by anchor, with the number of values in each; nil while a node is still being read.
  private var anchors: [String: (node: ConfigNode, count: Int)?] = [:]
  private var nodeCount = 0

  init(_ bytes: [UInt8], file: String, diagnostics: ConfigDiagnostics) {
    parser = YAMLParser(bytes)
    self.file = file
    self.diagnostics = diagnostics
  }

  /// The only document; nil when the text has none.
  mutating func document() throws(NodeError) -> ConfigNode? {
    guard try next().kind == .documentStart else { return nil }
    let root = try node(try next(), depth: 0)
    _ = try next()
    let after = try next()
    guard after.kind == .streamEnd else {
      throw NodeError(
        mark: after.mark, message: "a second document starts here; otlpd reads one per file. Remove the `---`.")
    }
    return root
  }

  private func next() throws(NodeError) -> YAMLEvent {
    do throws(YAMLError) {
      return try parser.next()
    } catch {
      let since = error.contextMark.map { " that starts in line \($0.line)" } ?? ""
      let context = error.context.map { " \($0)\(since)" } ?? ""
      throw NodeError(mark: error.mark, message: error.problem + context, isSyntax: true)
    }
  }

  private func position(_ event: YAMLEvent) -> SourcePosition { SourcePosition(file: file, mark: event.mark) }

  private mutating func count(_ nodes: Int, at event: YAMLEvent) throws(NodeError) {
    nodeCount += nodes
    guard nodeCount <= ConfigLimits.nodesMax else {
      throw NodeError(
        mark: event.mark, message: "more than \(ConfigLimits.nodesMax) values when every alias is followed")
    }
  }

  private mutating func node(_ event: YAMLEvent, depth: Int) throws(NodeError) -> ConfigNode {
    guard depth <= ConfigLimits.depthMax else {
      throw NodeError(mark: event.mark, message: "more than \(ConfigLimits.depthMax) levels of nesting")
    }
    if case .alias(let name) = event.kind { return try alias(name, event) }
    try count(1, at: event)
    let countBefore = nodeCount - 1
    if let anchor = event.anchor { anchors[anchor] = .some(nil) }
    let content: ConfigNode.Content =
      switch event.kind {
      case .sequenceStart: .list(try items(depth: depth))
      case .mappingStart: .mapping(try entries(depth: depth))
      case .scalar(let scalar): .scalar(Self.tagged(scalar, event.tag))
      default: throw NodeError(mark: event.mark, message: "unexpected \(event.kind)")
      }
    let node = ConfigNode(content, at: position(event))
    if let anchor = event.anchor { anchors[anchor] = .some((node, nodeCount - countBefore)) }
    return node
  }

  /// `!!str 1` is a text; other tags say what the core schema finds by itself.
  private static func tagged(_ scalar: YAMLScalar, _ tag: String?) -> YAMLScalar {
    tag == "tag:yaml.org,2002:str" ? YAMLScalar(text: scalar.text, isPlain: false) : scalar
  }

  private mutating func alias(_ name: String, _ event: YAMLEvent) throws(NodeError) -> ConfigNode {
    guard let entry = anchors[name] else {
      throw NodeError(mark: event.mark, message: "unknown anchor \(quoted(name)): no `&\(name)` before this line")
    }
    guard let (node, count) = entry else {
      throw NodeError(mark: event.mark, message: "anchor \(quoted(name)) contains itself")
    }
    try self.count(count, at: event)
    return node
  }

  private mutating func items(depth: Int) throws(NodeError) -> [ConfigNode] {
    var items: [ConfigNode] = []
    while true {
      let event = try next()
      if event.kind == .sequenceEnd { return items }
      items.append(try node(event, depth: depth + 1))
    }
  }

  private mutating func entries(depth: Int) throws(NodeError) -> [ConfigNode.Entry] {
    var entries: [ConfigNode.Entry] = []
    var merged: [ConfigNode.Entry] = []
    var lines: [String: Int] = [:]
    while true {
      let event = try next()
      if event.kind == .mappingEnd { break }
      guard case .scalar(let key) = try node(event, depth: depth + 1).content else {
        throw NodeError(mark: event.mark, message: "a key must be a single word, found a list or a mapping")
      }
      let value = try node(try next(), depth: depth + 1)
      if key.isPlain, key.text == "<<" {
        merged += try mergedEntries(value)
      } else if let line = lines.updateValue(event.mark.line, forKey: key.text) {
        diagnostics.error(
          ConfigProblem(position: position(event), message: "key \(quoted(key.text)) is already set in line \(line)"))
      } else {
        entries.append(ConfigNode.Entry(key: key.text, keyPosition: position(event), value: value))
      }
    }
    // YAML 1.1 "Merge Key": what the mapping sets itself wins, then the earlier of the merged ones.
    for entry in merged where lines.updateValue(0, forKey: entry.key) == nil { entries.append(entry) }
    return entries
  }

  private func mergedEntries(_ value: ConfigNode) throws(NodeError) -> [ConfigNode.Entry] {
    switch value.content {
    case .mapping(let entries): return entries
    case .list(let nodes):
      var entries: [ConfigNode.Entry] = []
      for node in nodes {
        guard case .mapping(let more) = node.content else { throw mergeError(value) }
        entries += more
      }
      return entries
    case .scalar: throw mergeError(value)
    }
  }

  private func mergeError(_ value: ConfigNode) -> NodeError {
    NodeError(
      mark: YAMLMark(line: value.position.line, column: value.position.column),
      message: "`<<` takes a mapping or a list of mappings, found \(value.found)")
  }
}

/// A mistake after which the rest of the file cannot be read.
struct NodeError: Error {
  let mark: YAMLMark
  let message: String
  var isSyntax = false
}
