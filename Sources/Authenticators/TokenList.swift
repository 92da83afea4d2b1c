// Bearer tokens with the names their owner gives them.

package import Config

/// A token of the configuration: its text alone, or with a name.
package struct NamedToken: ConfigValue, Equatable, Sendable {
  /// Empty when it has none.
  package let name: String
  package let token: Secret

  package init(name: String = "", token: Secret) {
    self.name = name
    self.token = token
  }

  package static var isText: Bool { true }

  package static func decode(_ reader: NodeReader) -> NamedToken? {
    guard case .mapping = reader.node.content else { return Secret.decode(reader).map { NamedToken(token: $0) } }
    var block = Block()
    reader.read(into: &block)
    return NamedToken(name: block.name, token: block.token)
  }

  private struct Block: ConfigBlock {
    var name = ""
    var token = Secret("")

    mutating func read(from map: MapReader) {
      map.read("name", into: &name)
      map.read("token", into: &token)
      map.require(!token.reveal().isEmpty, "token", "is required")
    }
  }
}

/// The tokens of a file.
enum TokenList {
  /// One token per line, and behind it, after a space, its name; lines that begin with `#` are remarks.
  ///
  /// RFC 6750 section 2.1: no token has a space in it.
  static func parse(_ bytes: [UInt8]) -> [NamedToken] {
    String(decoding: bytes, as: UTF8.self).split(whereSeparator: \.isNewline).compactMap { line in
      let words = line.split(maxSplits: 1, whereSeparator: \.isWhitespace)
      guard let token = words.first, !token.hasPrefix("#") else { return nil }
      let name = words.count > 1 ? words[1].filter { !$0.isNewline } : ""
      return NamedToken(name: trimmed(name), token: Secret(String(token)))
    }
  }

  private static func trimmed(_ text: String) -> String {
    var text = text[...]
    while text.last?.isWhitespace == true { text.removeLast() }
    return String(text.drop(while: \.isWhitespace))
  }
}
