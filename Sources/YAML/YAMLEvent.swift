// What a YAML text consists of, one event after the other, each with its place.

/// A place in a text; both numbers start at one, and a column is a Unicode scalar.
package struct YAMLMark: Hashable, Sendable {
  package let line: Int
  package let column: Int

  package init(line: Int, column: Int) {
    self.line = line
    self.column = column
  }
}

/// A single value, as the text has it.
package struct YAMLScalar: Hashable, Sendable {
  package let text: String
  /// Written without quotes and not as a block: only then may it mean a number, a boolean or nothing.
  package let isPlain: Bool

  package init(text: String, isPlain: Bool) {
    self.text = text
    self.isPlain = isPlain
  }
}

/// One step through a YAML text.
package struct YAMLEvent: Sendable {
  package enum Kind: Sendable, Equatable {
    case documentStart
    case documentEnd
    /// Nothing follows.
    case streamEnd
    case alias(of: String)
    case scalar(YAMLScalar)
    case sequenceStart
    case sequenceEnd
    case mappingStart
    case mappingEnd
  }

  package let kind: Kind
  /// The name under which an alias repeats this node.
  package let anchor: String?
  /// A written tag such as `tag:yaml.org,2002:str`; nil when the text has none.
  package let tag: String?
  package let mark: YAMLMark
}

/// Why a text is not YAML.
package struct YAMLError: Error, Hashable, Sendable {
  package let mark: YAMLMark
  /// What is wrong, as libyaml says it: `did not find expected key`.
  package let problem: String
  /// What was being read, and since where: `while parsing a block mapping`.
  package let context: String?
  package let contextMark: YAMLMark?
}
