// The config file as a tree of values, each with its place.

package import YAML

/// One value of the file: a scalar, a list or a mapping.
package struct ConfigNode: Sendable {
  package enum Content: Sendable {
    case scalar(YAMLScalar)
    case list([ConfigNode])
    /// In the order of the file; every key occurs once.
    case mapping([Entry])
  }

  /// One key of a mapping with its value.
  package struct Entry: Sendable {
    package let key: String
    package let keyPosition: SourcePosition
    package var value: ConfigNode
  }

  package var content: Content
  package let position: SourcePosition
  /// What `${env:NAME}` stood for, when the whole scalar was that: a string field takes this text as it is.
  package var expandedText: String?

  package init(_ content: Content, at position: SourcePosition, expandedText: String? = nil) {
    self.content = content
    self.position = position
    self.expandedText = expandedText
  }

  /// What a missing value is read as.
  package static func null(at position: SourcePosition) -> ConfigNode {
    ConfigNode(.scalar(YAMLScalar(text: "", isPlain: true)), at: position)
  }

  /// A scalar's meaning; nil for a list or a mapping.
  package var scalarValue: ScalarValue? {
    if case .scalar(let scalar) = content { ScalarValue(scalar) } else { nil }
  }

  /// A scalar as written; empty for a list or a mapping.
  package var text: String {
    if let expandedText { return expandedText }
    if case .scalar(let scalar) = content { return scalar.text }
    return ""
  }

  package var isNull: Bool { scalarValue == .null }

  /// What stands here, for "expected …, found …".
  package var found: String {
    switch content {
    case .list: return "a list"
    case .mapping: return "a mapping"
    case .scalar(let scalar):
      switch ScalarValue(scalar) {
      case .null: return "nothing"
      case .boolean: return scalar.text
      case .integer, .float: return "the number \(scalar.text)"
      case .string: return "the text \(quoted(scalar.text))"
      }
    }
  }
}

/// A text of the user in quotes, on one line and not too long for a message.
package func quoted(_ text: String) -> String {
  var result = "\""
  for scalar in text.unicodeScalars.prefix(80) {
    result += scalar.escaped(asASCII: false)
  }
  return result + (text.unicodeScalars.count > 80 ? "…\"" : "\"")
}
