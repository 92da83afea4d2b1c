// A tree as YAML text that is read as the same tree.

internal import YAML

extension ConfigNode {
  /// Block style, two spaces, a line end after each line.
  var yaml: String { (isBlock ? lines : [inline]).map { $0 + "\n" }.joined() }

  private var isBlock: Bool { if case .scalar = content { false } else { !isEmpty } }

  private var lines: [String] {
    switch content {
    case .scalar: [inline]
    case .list(let items):
      items.flatMap { item in
        let lines = item.isBlock ? item.lines : [item.inline]
        return ["- " + lines[0]] + lines.dropFirst().map { "  " + $0 }
      }
    case .mapping(let entries):
      entries.flatMap { entry -> [String] in
        let key = Self.scalarText(YAMLScalar(text: entry.key, isPlain: false), isKey: true)
        if entry.value.isBlock { return ["\(key):"] + entry.value.lines.map { "  " + $0 } }
        let text = entry.value.inline
        return [text.isEmpty ? "\(key):" : "\(key): \(text)"]
      }
    }
  }

  /// A scalar, or an empty list or mapping.
  private var inline: String {
    switch content {
    case .scalar(let scalar): Self.scalarText(scalar, isKey: false)
    case .list: "[]"
    case .mapping: "{}"
    }
  }

  private static func scalarText(_ scalar: YAMLScalar, isKey: Bool) -> String {
    if case .string = ScalarValue(scalar) {
      // A dollar sign would be looked at again; keys are not.
      let text =
        isKey
        ? scalar.text
        : scalar.text.split(separator: "$", omittingEmptySubsequences: false)
          .joined(separator: "$$")
      return isSafeWithoutQuotes(text) ? text : quotedText(text)
    }
    return scalar.text
  }

  /// A word of harmless characters that means a text.
  private static func isSafeWithoutQuotes(_ text: String) -> Bool {
    guard let first = text.utf8.first, let last = text.utf8.last else { return false }
    let plain = ScalarValue(YAMLScalar(text: text, isPlain: true))
    return plain == .string(text) && (isWord(first) || first == UInt8(ascii: "/")) && last != UInt8(ascii: ":")
      && text.utf8.allSatisfy { isWord($0) || "/.:-+".utf8.contains($0) } && !booleanWords.contains(text.lowercased())
  }

  /// Texts that are booleans where a boolean is wanted.
  private static let booleanWords: Set<String> = ["y", "n", "yes", "no", "on", "off"]

  private static func isWord(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"):
      true
    default: false
    }
  }

  /// YAML 1.2 "Escaped Characters".
  private static func quotedText(_ text: String) -> String {
    var result = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": result += "\\\""
      case "\\": result += "\\\\"
      case "\n": result += "\\n"
      case "\t": result += "\\t"
      case "\r": result += "\\r"
      case _
      where scalar.properties.generalCategory == .control || scalar == "\u{2028}" || scalar == "\u{2029}"
        || scalar == "\u{FEFF}":
        let digits = String(scalar.value, radix: 16, uppercase: true)
        result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result + "\""
  }
}
