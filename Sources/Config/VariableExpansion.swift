// Replaces `${env:NAME}` and its kin in every scalar of a config file.
//
// The Collector's rules: `${env:NAME}`, `${env:NAME:-default}`, `${NAME}`, nesting as in `${env:${A}}`, `$$` for one
// dollar sign, an unset variable is empty with a warning, and a scalar that is exactly one `${…}` is read as YAML, so
// that ports stay numbers and a variable can hold a list. Ours: `${NAME:-default}` works too, and the text of a
// variable is not searched for `${…}` again, so that a password may contain anything.

internal import YAML

/// Where `${…}` gets its texts from.
package struct ExpansionSources {
  package let environment: [String: String]
  /// Reads the file of `${file:path}`; the error's description is shown.
  package let readFile: ((_ path: String) throws -> [UInt8])?

  package init(environment: [String: String] = [:], readFile: ((_ path: String) throws -> [UInt8])? = nil) {
    self.environment = environment
    self.readFile = readFile
  }
}

/// Walks a tree and replaces what the scalars ask for.
struct VariableExpansion {
  private let sources: ExpansionSources
  private let diagnostics: ConfigDiagnostics
  private var count = 0
  private var isExhausted: Bool { count > ConfigLimits.expansionsMax }

  init(sources: ExpansionSources, diagnostics: ConfigDiagnostics) {
    self.sources = sources
    self.diagnostics = diagnostics
  }

  mutating func expanded(_ node: ConfigNode) -> ConfigNode {
    var node = node
    switch node.content {
    case .list(let items):
      var expandedItems: [ConfigNode] = []
      for item in items { expandedItems.append(expanded(item)) }
      node.content = .list(expandedItems)
    case .mapping(var entries):
      for index in entries.indices { entries[index].value = expanded(entries[index].value) }
      node.content = .mapping(entries)
    case .scalar(let scalar):
      if scalar.text.contains("$") { return expanded(scalar, of: node) }
    }
    return node
  }

  private mutating func expanded(_ scalar: YAMLScalar, of node: ConfigNode) -> ConfigNode {
    do throws(ExpansionError) {
      var scanner = Scanner(scalar.text)
      let (text, isExactlyOne) = try expand(&scanner, at: node.position, depth: 0)
      guard isExactlyOne else {
        return ConfigNode(.scalar(YAMLScalar(text: text, isPlain: false)), at: node.position)
      }
      return ConfigNode(Self.content(of: text, at: node.position), at: node.position, expandedText: text)
    } catch {
      diagnostics.error(ConfigProblem(position: node.position, message: error.message))
      return ConfigNode(.scalar(YAMLScalar(text: "", isPlain: true)), at: node.position)
    }
  }

  /// A value read as YAML; text that is no YAML is a string.
  private static func content(of text: String, at position: SourcePosition) -> ConfigNode.Content {
    let plain = ConfigNode.Content.scalar(YAMLScalar(text: text, isPlain: true))
    let scratch = ConfigDiagnostics()
    var composer = NodeComposer(Array(text.utf8), file: position.file, diagnostics: scratch)
    guard let parsed = try? composer.document(), scratch.errors.isEmpty else { return plain }
    // Every part of an expanded value stands where its `${…}` stands.
    return parsed.moved(to: position).content
  }

  /// Reads to the end of the text, or when nested to the closing brace.
  ///
  /// - Returns: the text, and whether it is one `${…}` and nothing else.
  private mutating func expand(
    _ scanner: inout Scanner, at position: SourcePosition, depth: Int
  ) throws(ExpansionError) -> (String, isExactlyOne: Bool) {
    guard depth <= ConfigLimits.depthMax else {
      throw ExpansionError("more than \(ConfigLimits.depthMax) `${` inside each other")
    }
    var text = ""
    var references = 0
    var hasOther = false
    while let character = scanner.next() {
      if character == "}", depth > 0 { return (text, false) }
      guard character == "$" else {
        text.append(character)
        hasOther = true
        continue
      }
      if scanner.skip("$") {
        text.append("$")
        hasOther = true
      } else if scanner.skip("{") {
        let (reference, _) = try expand(&scanner, at: position, depth: depth + 1)
        text += try value(of: reference, at: position)
        references += 1
      } else {
        text.append("$")
        hasOther = true
      }
    }
    if depth > 0 { throw ExpansionError("`${` is never closed; write `$${` for a literal `${`") }
    return (text, references == 1 && !hasOther)
  }

  private mutating func value(of reference: String, at position: SourcePosition) throws(ExpansionError) -> String {
    count += 1
    guard !isExhausted else { throw ExpansionError("more than \(ConfigLimits.expansionsMax) uses of `${…}`") }
    guard let colon = reference.firstIndex(of: ":") else { return try variable(reference, at: position) }
    let rest = String(reference[reference.index(after: colon)...])
    switch reference[..<colon] {
    case "env": return try variable(rest, at: position)
    case "yaml": return rest
    case "file": return try file(rest)
    case let scheme:
      if rest.hasPrefix("-") { return try variable(reference, at: position) }
      throw ExpansionError(
        "`${\(scheme):…}` is not supported; otlpd reads ${env:NAME}, ${env:NAME:-default}, ${file:path} "
          + "and ${yaml:text}"
      )
    }
  }

  /// `NAME` or `NAME:-default`; the default counts when the variable is unset, not when it is empty.
  private func variable(_ reference: String, at position: SourcePosition) throws(ExpansionError) -> String {
    var name = reference[...]
    var fallback: Substring?
    if let colon = reference.firstIndex(of: ":") {
      let rest = reference[reference.index(after: colon)...]
      guard rest.hasPrefix("-") else {
        throw ExpansionError("expected `:-` before the default in `${env:\(reference)}`")
      }
      name = reference[..<colon]
      fallback = rest.dropFirst()
    }
    guard Self.isName(name) else {
      throw ExpansionError(
        "\(quoted(String(name))) is no name of an environment variable (letters, digits and _, not a digit first)")
    }
    let value = sources.environment[String(name)]
    if value == nil, let fallback { return String(fallback) }
    if value == nil {
      // The Collector's words, then the name.
      diagnostics.warn(
        ConfigProblem(
          position: position,
          message: "Configuration references unset environment variable \(name); it is read as empty"))
    }
    return value ?? ""
  }

  private static func isName(_ name: Substring) -> Bool {
    guard let first = name.first, first.isASCII, first.isLetter || first == "_" else { return false }
    return name.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_") }
  }

  private func file(_ path: String) throws(ExpansionError) -> String {
    guard let readFile = sources.readFile else { throw ExpansionError("`${file:…}` is not available here") }
    do {
      let bytes = try readFile(path)
      guard let text = String(validating: bytes, as: UTF8.self) else {
        throw ExpansionError("\(path) is not valid UTF-8")
      }
      // The newline that every editor adds is no part of a token or a password.
      return text.hasSuffix("\n") ? String(text.dropLast()) : text
    } catch let error as ExpansionError {
      throw error
    } catch {
      throw ExpansionError("`${file:\(path)}`: \(error)")
    }
  }
}

/// Why a `${…}` could not be replaced.
private struct ExpansionError: Error {
  let message: String
  init(_ message: String) { self.message = message }
}

/// Takes the characters of a text one by one.
private struct Scanner {
  private var rest: Substring

  init(_ text: String) { rest = text[...] }

  mutating func next() -> Character? { rest.popFirst() }

  mutating func skip(_ character: Character) -> Bool {
    guard rest.first == character else { return false }
    rest.removeFirst()
    return true
  }
}
