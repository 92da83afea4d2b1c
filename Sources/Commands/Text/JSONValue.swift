// A JSON text as a tree, for answers that are shown as tables.

internal import Sinks

/// A value; numbers keep their digits, so that they are written as they were read.
package indirect enum JSONValue: Sendable, Equatable {
  case null
  case bool(Bool)
  case number(String)
  case text(String)
  case array([JSONValue])
  case object([Member])

  package struct Member: Sendable, Equatable {
    package let name: String
    package let value: JSONValue

    package init(_ name: String, _ value: JSONValue) {
      self.name = name
      self.value = value
    }
  }

  /// The value that the text spells; nil when it is not JSON, or nested deeper than otlpd writes it.
  package init?(parsing text: some Collection<UInt8>) {
    var reader = JSONReader(bytes: Array(text))
    guard let value = reader.document() else { return nil }
    self = value
  }

  // MARK: Reading

  /// The member of that name; null when this is no object or has none.
  package subscript(name: String) -> JSONValue {
    guard case .object(let members) = self else { return .null }
    return members.first { $0.name == name }?.value ?? .null
  }

  package var elements: [JSONValue] { if case .array(let elements) = self { elements } else { [] } }
  package var string: String? { if case .text(let text) = self { text } else { nil } }
  package var double: Double? { if case .number(let digits) = self { Double(digits) } else { nil } }
  /// A whole number, also one that is written as a text, as Unix nanoseconds are.
  package var integer: Int64? {
    switch self {
    case .number(let text), .text(let text): Int64(text)
    default: nil
    }
  }

  // MARK: Writing

  /// The value as JSON on one line. Control characters are written as escapes also where JSON would let them through,
  /// so that the text may go to a terminal.
  package var json: String {
    switch self {
    case .null: "null"
    case .bool(let flag): flag ? "true" : "false"
    case .number(let digits): digits
    case .text(let text): JSONValue.quoted(text)
    case .array(let elements): "[" + elements.map(\.json).joined(separator: ",") + "]"
    case .object(let members):
      "{" + members.map { JSONValue.quoted($0.name) + ":" + $0.value.json }.joined(separator: ",") + "}"
    }
  }

  private static func quoted(_ text: String) -> String {
    var escaped = ""
    for scalar in text.unicodeScalars {
      if scalar == "\"" || scalar == "\\" { escaped.unicodeScalars.append("\\") }
      escaped.unicodeScalars.append(scalar)
    }
    return "\"" + escaped.printable + "\""
  }
}

/// Reads one JSON text from its bytes.
private struct JSONReader {
  /// OTLP values are at most 31 levels deep, each two of JSON, inside an answer.
  private static let depthMax = 200

  let bytes: [UInt8]
  private var at = 0
  private var depth = 0

  init(bytes: [UInt8]) { self.bytes = bytes }

  mutating func document() -> JSONValue? {
    guard let value = value(), next() == nil else { return nil }
    return value
  }

  /// The next byte that is no space, which stays where it is.
  private mutating func next() -> UInt8? {
    while at < bytes.count, [0x20, 0x09, 0x0A, 0x0D].contains(bytes[at]) { at += 1 }
    return at < bytes.count ? bytes[at] : nil
  }

  private mutating func skip(_ byte: Unicode.Scalar) -> Bool {
    guard next() == UInt8(ascii: byte) else { return false }
    at += 1
    return true
  }

  private mutating func value() -> JSONValue? {
    switch next() {
    case UInt8(ascii: "{"): return nested { $0.object() }
    case UInt8(ascii: "["): return nested { $0.array() }
    case UInt8(ascii: "\""): return text().map { .text($0) }
    default: return word()
    }
  }

  private mutating func nested(_ body: (inout JSONReader) -> JSONValue?) -> JSONValue? {
    guard depth < JSONReader.depthMax else { return nil }
    at += 1
    depth += 1
    defer { depth -= 1 }
    return body(&self)
  }

  private mutating func object() -> JSONValue? {
    var members: [JSONValue.Member] = []
    if skip("}") { return .object(members) }
    repeat {
      guard next() == UInt8(ascii: "\""), let name = text(), skip(":"), let value = value() else { return nil }
      members.append(JSONValue.Member(name, value))
    } while skip(",")
    return skip("}") ? .object(members) : nil
  }

  private mutating func array() -> JSONValue? {
    var elements: [JSONValue] = []
    if skip("]") { return .array(elements) }
    repeat {
      guard let value = value() else { return nil }
      elements.append(value)
    } while skip(",")
    return skip("]") ? .array(elements) : nil
  }

  /// A number, `true`, `false` or `null`.
  private mutating func word() -> JSONValue? {
    let start = at
    while at < bytes.count, !",]} \t\n\r:".utf8.contains(bytes[at]) { at += 1 }
    switch String(decoding: bytes[start..<at], as: UTF8.self) {
    case "true": return .bool(true)
    case "false": return .bool(false)
    case "null": return .null
    case let digits: return Double(digits) == nil ? nil : .number(digits)
    }
  }

  private mutating func text() -> String? {
    at += 1
    var content: [UInt8] = []
    while at < bytes.count {
      let byte = bytes[at]
      at += 1
      if byte == UInt8(ascii: "\"") { return String(decoding: content, as: UTF8.self) }
      guard byte == UInt8(ascii: "\\") else {
        content.append(byte)
        continue
      }
      guard let scalar = escape() else { return nil }
      content += Array(String(Character(scalar)).utf8)
    }
    return nil
  }

  /// RFC 8259 section 7: what stands behind a backslash.
  private mutating func escape() -> Unicode.Scalar? {
    guard at < bytes.count else { return nil }
    let byte = bytes[at]
    at += 1
    switch byte {
    case UInt8(ascii: "n"): return "\n"
    case UInt8(ascii: "t"): return "\t"
    case UInt8(ascii: "r"): return "\r"
    case UInt8(ascii: "b"): return "\u{8}"
    case UInt8(ascii: "f"): return "\u{c}"
    case UInt8(ascii: "u"):
      guard let unit = codeUnit() else { return nil }
      guard UTF16.isLeadSurrogate(unit) else { return Unicode.Scalar(unit) ?? "\u{fffd}" }
      guard at + 1 < bytes.count, bytes[at] == UInt8(ascii: "\\"), bytes[at + 1] == UInt8(ascii: "u") else {
        return "\u{fffd}"
      }
      at += 2
      guard let trail = codeUnit(), UTF16.isTrailSurrogate(trail) else { return "\u{fffd}" }
      return Unicode.Scalar(0x10000 + (UInt32(unit) - 0xD800) << 10 + (UInt32(trail) - 0xDC00))
    default: return Unicode.Scalar(byte)
    }
  }

  private mutating func codeUnit() -> UInt16? {
    guard at + 4 <= bytes.count else { return nil }
    defer { at += 4 }
    return UInt16(String(decoding: bytes[at..<at + 4], as: UTF8.self), radix: 16)
  }
}
