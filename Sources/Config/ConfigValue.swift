// How single values are read: texts, numbers, booleans, choices and lists of them.

internal import YAML

/// Something that one value of the file can be.
package protocol ConfigValue {
  /// Takes any scalar as it is written, even an empty one.
  static var isText: Bool { get }

  /// The value, or nil after telling the reader what was expected and found.
  static func decode(_ reader: NodeReader) -> Self?

  /// How the file would say it, to show defaults.
  var written: ConfigNode.Content? { get }
}

extension ConfigValue {
  package static var isText: Bool { false }
}

extension String: ConfigValue {
  package static var isText: Bool { true }
  /// Numbers and booleans without quotes are texts as written: `X-Scope-OrgID: 1` means what it says.
  package static func decode(_ reader: NodeReader) -> String? { reader.text(expected: "a text") }
}

extension Bool: ConfigValue {
  package static func decode(_ reader: NodeReader) -> Bool? {
    if case .boolean(let value) = reader.node.scalarValue { return value }
    // go-yaml v3 reads the words of YAML 1.1 where a boolean is wanted.
    if case .scalar(let scalar) = reader.node.content, scalar.isPlain {
      switch scalar.text {
      case "y", "Y", "yes", "Yes", "YES", "on", "On", "ON": return true
      case "n", "N", "no", "No", "NO", "off", "Off", "OFF": return false
      default: break
      }
    }
    reader.fail(expected: "true or false")
    return nil
  }
}

extension Int: ConfigValue {
  package static func decode(_ reader: NodeReader) -> Int? {
    if case .integer(let value) = reader.node.scalarValue { return Int(exactly: value) }
    if case .string(let text) = reader.node.scalarValue, Int(text) != nil {
      reader.fail(expected: "a whole number", hint: "; remove the quotes")
    } else {
      reader.fail(expected: "a whole number")
    }
    return nil
  }
}

extension Double: ConfigValue {
  package static func decode(_ reader: NodeReader) -> Double? {
    switch reader.node.scalarValue {
    case .integer(let value): return Double(value)
    case .float(let value) where value.isFinite: return value
    default:
      reader.fail(expected: "a number")
      return nil
    }
  }
}

extension Array: ConfigValue where Element: ConfigValue {
  package static func decode(_ reader: NodeReader) -> [Element]? {
    // The Collector splits a text at commas where a list of texts is wanted.
    if Element.isText, case .scalar(let scalar) = reader.node.content {
      let parts = scalar.text.split(separator: ",").map(trimmed)
      return parts.compactMap {
        let node = ConfigNode(.scalar(.init(text: $0, isPlain: false)), at: reader.node.position)
        return Element.decode(NodeReader(node, path: reader.path, diagnostics: reader.diagnostics))
      }
    }
    return reader.items()?.compactMap(Element.decode)
  }
}

/// One of a few words.
package protocol ConfigChoice: ConfigValue, RawRepresentable<String>, CaseIterable, Hashable, Sendable {
  /// `INFO` and `info` are the same.
  static var ignoresCase: Bool { get }
}

extension ConfigChoice {
  package static var ignoresCase: Bool { false }

  package static func decode(_ reader: NodeReader) -> Self? {
    let words = allCases.map(\.rawValue)
    let expected = "one of \(words.map { $0.isEmpty ? "\"\"" : $0 }.joined(separator: ", "))"
    guard let text = reader.text(expected: expected) else { return nil }
    if let choice = Self(rawValue: text) ?? (ignoresCase ? Self(rawValue: text.lowercased()) : nil) { return choice }
    reader.fail(expected: expected, hint: suggestion(for: text, among: words))
    return nil
  }
}

private func trimmed(_ text: Substring) -> String {
  var text = text
  while text.first?.isWhitespace == true { text.removeFirst() }
  while text.last?.isWhitespace == true { text.removeLast() }
  return String(text)
}
