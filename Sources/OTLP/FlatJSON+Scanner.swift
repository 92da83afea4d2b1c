// Steps through a JSON text of a few kinds that we know: flat JSON read back, and replies of other collectors.

internal import Bytes

/// A strict reader of one JSON text (RFC 8259), token by token; nesting is bounded by its callers.
struct JSONScanner {
  let text: Bytes
  private(set) var offset = 0

  init(_ text: Bytes) { self.text = text }

  func failure(_ problem: String) -> DecodeError { DecodeError(path: "", problem: problem, byte: offset) }

  /// The next byte that is no white space; 0 at the end.
  mutating func peek() -> UInt8 {
    while offset < text.count {
      let byte = text[offset]
      guard byte == 0x20 || byte == 0x0a || byte == 0x0d || byte == 0x09 else { return byte }
      offset += 1
    }
    return 0
  }

  /// Steps over `byte` if it is next.
  mutating func skip(_ byte: UInt8) -> Bool {
    guard peek() == byte, offset < text.count else { return false }
    offset += 1
    return true
  }

  mutating func expect(_ byte: UInt8) throws(DecodeError) {
    guard skip(byte) else { throw failure("expected '\(Character(UnicodeScalar(byte)))'") }
  }

  /// Steps over a word such as `null` if it is next.
  mutating func skip(_ word: StaticString) -> Bool {
    _ = peek()
    let end = offset + word.utf8CodeUnitCount
    guard end <= text.count, text.span.extracting(offset..<end).isEqual(to: word) else { return false }
    offset = end
    return true
  }

  mutating func expectEnd() throws(DecodeError) {
    _ = peek()
    guard offset == text.count else { throw failure("expected the end of the text") }
  }

  /// Visits the elements of an array, each of which `body` must read.
  mutating func readArray(_ body: (inout JSONScanner) throws(DecodeError) -> Void) throws(DecodeError) {
    try expect(UInt8(ascii: "["))
    if skip(UInt8(ascii: "]")) { return }
    repeat { try body(&self) } while skip(UInt8(ascii: ","))
    try expect(UInt8(ascii: "]"))
  }

  /// Visits the members of an object, whose values `body` must read.
  mutating func readObject(
    _ body: (inout JSONScanner, _ key: Bytes) throws(DecodeError) -> Void
  ) throws(DecodeError) {
    try expect(UInt8(ascii: "{"))
    if skip(UInt8(ascii: "}")) { return }
    repeat {
      let key = try readString()
      try expect(UInt8(ascii: ":"))
      try body(&self, key)
    } while skip(UInt8(ascii: ","))
    try expect(UInt8(ascii: "}"))
  }

  /// The letters of a number, whose grammar is checked.
  mutating func readNumber() throws(DecodeError) -> String {
    _ = peek()
    let start = offset
    var hasDigits = false
    if at(UInt8(ascii: "-")) { offset += 1 }
    let integer = offset
    hasDigits = skipDigits()
    guard hasDigits, offset == integer + 1 || text[integer] != UInt8(ascii: "0") else {
      throw failure("expected a number")
    }
    if at(UInt8(ascii: ".")) {
      offset += 1
      guard skipDigits() else { throw failure("expected digits behind the point") }
    }
    if at(UInt8(ascii: "e")) || at(UInt8(ascii: "E")) {
      offset += 1
      if at(UInt8(ascii: "+")) || at(UInt8(ascii: "-")) { offset += 1 }
      guard skipDigits() else { throw failure("expected digits in the exponent") }
    }
    return text.slice(start..<offset).text
  }

  private func at(_ byte: UInt8) -> Bool { offset < text.count && text[offset] == byte }

  private mutating func skipDigits() -> Bool {
    let start = offset
    while offset < text.count, text[offset] >= 0x30, text[offset] <= 0x39 { offset += 1 }
    return offset > start
  }

  /// The value of a string, unescaped. Raw bytes are passed on as they are; the caller knows whether they are UTF-8.
  mutating func readString() throws(DecodeError) -> Bytes {
    try expect(UInt8(ascii: "\""))
    var value = ByteBuffer()
    while offset < text.count {
      let end = text.span.firstJSONEscape(from: offset)
      value.append(text.span.extracting(offset..<end))
      offset = end
      guard offset < text.count else { break }
      switch text[offset] {
      case UInt8(ascii: "\""):
        offset += 1
        return value.finish()
      case UInt8(ascii: "\\"):
        offset += 1
        try readEscape(into: &value)
      default: throw failure("expected no control character inside a string")
      }
    }
    throw failure("expected the end of the string")
  }

  private mutating func readEscape(into value: inout ByteBuffer) throws(DecodeError) {
    guard offset < text.count else { throw failure("expected an escape") }
    let letter = text[offset]
    offset += 1
    switch letter {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): value.append(letter)
    case UInt8(ascii: "b"): value.append(0x08)
    case UInt8(ascii: "f"): value.append(0x0c)
    case UInt8(ascii: "n"): value.append(0x0a)
    case UInt8(ascii: "r"): value.append(0x0d)
    case UInt8(ascii: "t"): value.append(0x09)
    case UInt8(ascii: "u"): value.append(String(Character(try readUnicodeEscape())))
    default: throw failure("expected an escape that JSON has")
    }
  }

  /// The character of `\uXXXX`, or of two of them for one above U+FFFF (RFC 8259 section 7).
  private mutating func readUnicodeEscape() throws(DecodeError) -> UnicodeScalar {
    let unit = try readHexUnit()
    if let scalar = UnicodeScalar(unit) { return scalar }
    guard unit < 0xdc00, skip("\\u" as StaticString) else { throw failure("expected a surrogate pair") }
    let low = try readHexUnit()
    guard low & 0xfc00 == 0xdc00, let scalar = UnicodeScalar(0x10000 + (unit & 0x3ff) << 10 + low & 0x3ff) else {
      throw failure("expected a surrogate pair")
    }
    return scalar
  }

  private mutating func readHexUnit() throws(DecodeError) -> UInt32 {
    guard offset + 4 <= text.count else { throw failure("expected four hex digits") }
    var unit: UInt32 = 0
    for _ in 0..<4 {
      guard let digit = text[offset].hexDigit else { throw failure("expected four hex digits") }
      unit = unit << 4 | UInt32(digit)
      offset += 1
    }
    return unit
  }

  /// Steps over any value.
  mutating func skipValue(depth: Int = 0) throws(DecodeError) {
    guard depth < 100 else { throw failure("expected at most 100 levels") }
    switch peek() {
    case UInt8(ascii: "{"):
      try readObject { (scanner, _) throws(DecodeError) in try scanner.skipValue(depth: depth + 1) }
    case UInt8(ascii: "["):
      try readArray { (scanner) throws(DecodeError) in try scanner.skipValue(depth: depth + 1) }
    case UInt8(ascii: "\""): _ = try readString()
    case UInt8(ascii: "t") where skip("true" as StaticString): break
    case UInt8(ascii: "f") where skip("false" as StaticString): break
    case UInt8(ascii: "n") where skip("null" as StaticString): break
    default: _ = try readNumber()
    }
  }
}

extension UInt8 {
  /// The value of a hex digit in either case.
  var hexDigit: UInt8? {
    switch self {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): self - UInt8(ascii: "0")
    case UInt8(ascii: "a")...UInt8(ascii: "f"): self - UInt8(ascii: "a") + 10
    case UInt8(ascii: "A")...UInt8(ascii: "F"): self - UInt8(ascii: "A") + 10
    default: nil
    }
  }
}

extension Span<UInt8> {
  /// The offset of the first byte that JSON text must escape, or the count.
  fileprivate func firstJSONEscape(from start: Int) -> Int {
    var index = start
    while index < count {
      let byte = self[index]
      if byte < 0x20 || byte == 0x22 || byte == 0x5c { return index }
      index += 1
    }
    return count
  }
}
