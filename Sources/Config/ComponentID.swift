// What the file calls a component: `otlp`, `otlp_http/backup`.

/// A component's type with an optional name that tells several of one type apart.
package struct ComponentID: Hashable, Sendable, Comparable, CustomStringConvertible {
  package let type: String
  /// Empty when the id is the type alone.
  package let name: String

  package init(type: String, name: String = "") {
    self.type = type
    self.name = name
  }

  package var description: String { name.isEmpty ? type : "\(type)/\(name)" }

  package static func < (left: ComponentID, right: ComponentID) -> Bool {
    (left.type, left.name) < (right.type, right.name)
  }

  /// Reads `type[/name]`.
  ///
  /// - Throws: what is wrong with it, in the Collector's words where it has some.
  package init(parsing text: String) throws(ComponentIDError) {
    let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false).map(Self.trimmed)
    guard !parts[0].isEmpty else {
      throw ComponentIDError(message: "in \(quoted(text)) id: the part before / should not be empty")
    }
    guard parts.count == 1 || !parts[1].isEmpty else {
      throw ComponentIDError(message: "in \(quoted(text)) id: the part after / should not be empty")
    }
    guard Self.isType(parts[0]) else {
      throw ComponentIDError(
        message: "in \(quoted(text)) id: a type is letters, digits and _, at most 63, with a letter first")
    }
    guard parts.count == 1 || Self.isName(parts[1]) else {
      throw ComponentIDError(message: "in \(quoted(text)) id: a name has no control characters and no spaces")
    }
    self.init(type: parts[0], name: parts.count == 1 ? "" : parts[1])
    let count = description.utf8.count
    guard count <= Self.bytesMax else {
      throw ComponentIDError(
        message: "in \(quoted(text)) id: an id has at most \(Self.bytesMax) bytes, found \(count); shorten the name")
    }
  }

  /// The id becomes a metric label, and each stored request names the sinks that get it.
  private static let bytesMax = 255

  private static func isType(_ text: String) -> Bool {
    guard let first = text.first, first.isASCII, first.isLetter, text.utf8.count <= 63 else { return false }
    return text.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_") }
  }

  private static func isName(_ text: String) -> Bool {
    text.unicodeScalars.allSatisfy { !$0.properties.isWhitespace && $0.value >= 0x20 && $0.value != 0x7F }
  }

  private static func trimmed(_ text: Substring) -> String {
    var text = text
    while text.first?.isWhitespace == true { text.removeFirst() }
    while text.last?.isWhitespace == true { text.removeLast() }
    return String(text)
  }
}

/// Why a text is no component id.
package struct ComponentIDError: Error, Sendable {
  package let message: String
}
