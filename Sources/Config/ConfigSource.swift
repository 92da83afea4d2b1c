// One place that configuration comes from: a file, a text, a variable, or a single key with its value.

/// A configuration text with what messages call it.
package struct ConfigText: Sendable {
  package let name: String
  package let bytes: [UInt8]
  /// The key that the text is the value of; nil for a whole configuration.
  fileprivate(set) var path: [String]?

  /// A whole configuration.
  package init(_ bytes: [UInt8], name: String) {
    self.name = name
    self.bytes = bytes
  }
}

/// What `--config` or `--set` says, not read yet.
package enum ConfigSource: Hashable, Sendable {
  case file(String)
  /// `yaml:exporters::debug::verbosity: normal`
  case yaml(String)
  /// `env:NAME`: a variable that holds a whole configuration.
  case variable(String)
  /// `--set exporters.debug.verbosity=normal`; the value is YAML.
  case setting([String], String)

  /// Reads the value of `--config`: a path, or `file:`, `yaml:` or `env:` and what follows.
  ///
  /// - Throws: what is wrong with it.
  package init(parsing text: String) throws(ConfigSourceError) {
    guard let colon = text.firstIndex(of: ":") else {
      self = .file(text)
      return
    }
    let rest = String(text[text.index(after: colon)...])
    switch text[..<colon] {
    case "file": self = .file(rest)
    case "yaml": self = .yaml(rest)
    case "env": self = .variable(rest)
    case "http", "https":
      throw ConfigSourceError("\(quoted(text)) cannot be read: otlpd takes a path, file:PATH, yaml:TEXT and env:NAME")
    default: self = .file(text)
    }
  }

  /// Reads the value of `--set`: keys with dots or, when one of them has a dot itself, `::` between them.
  ///
  /// - Throws: what is wrong with it.
  package init(parsingSetting text: String) throws(ConfigSourceError) {
    guard let sign = text.firstIndex(of: "=") else {
      throw ConfigSourceError("expected KEY=VALUE such as exporters.debug.verbosity=normal, found \(quoted(text))")
    }
    let key = String(text[..<sign])
    let keys =
      key.contains("::")
      ? Self.keys(key)
      : key.split(separator: ".", omittingEmptySubsequences: false)
        .map(String.init)
    guard !keys.contains(""), keys.count <= ConfigLimits.depthMax else {
      throw ConfigSourceError("\(quoted(key)) is no key such as exporters.debug.verbosity")
    }
    self = .setting(keys, String(text[text.index(after: sign)...]))
  }

  /// The parts of a key as the Collector writes it: `exporters::debug::verbosity`.
  static func keys(_ text: String) -> [String] {
    var parts = [""]
    var rest = text[...]
    while let character = rest.first {
      if rest.hasPrefix("::") {
        parts.append("")
        rest = rest.dropFirst(2)
      } else {
        parts[parts.count - 1].append(character)
        rest.removeFirst()
      }
    }
    return parts
  }

  /// Is the value of one key, and no whole configuration.
  package var isSetting: Bool { if case .setting = self { true } else { false } }

  /// What messages call it; never the text itself, which may hold secrets.
  package var name: String {
    switch self {
    case .file(let path): path
    case .yaml(let text): "yaml:" + (text.contains(": ") ? text.prefix { $0 != " " && $0 != "{" }.dropLast() : "")
    case .variable(let name): "env:\(name)"
    case .setting(let keys, _): "--set \(keys.joined(separator: keys.contains { $0.contains(".") } ? "::" : "."))"
    }
  }

  /// The text that is there now.
  ///
  /// - Throws: why there is none.
  package func text(from sources: ExpansionSources) throws -> ConfigText {
    switch self {
    case .file(let path): return ConfigText(try sources.readFile?(path) ?? [], name: name)
    case .yaml(let text): return ConfigText(Array(text.utf8), name: name)
    case .variable(let variable):
      guard let text = sources.environment[variable] else {
        throw ConfigSourceError("environment variable \(variable) is not set")
      }
      return ConfigText(Array(text.utf8), name: name)
    case .setting(let keys, let value):
      var text = ConfigText(Array(value.utf8), name: name)
      text.path = keys
      return text
    }
  }
}

/// Why a source cannot be used.
package struct ConfigSourceError: Error, CustomStringConvertible {
  package let description: String
  init(_ description: String) { self.description = description }
}
