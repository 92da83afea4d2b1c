// Reads replies of other servers, which may be anything: never trusts a length, never fails louder than "unreadable".

internal import Bytes

/// A field's value in a reply, as far as replies have them.
enum ReplyValue {
  case varint(UInt64)
  /// Where the content of a length-delimited field lies.
  case content(Range<Int>)
  case other
}

extension Span<UInt8> {
  /// Visits the fields of a protobuf message that nobody has validated; false when it is none.
  func forEachReplyField(in range: Range<Int>? = nil, _ body: (_ number: Int, ReplyValue) -> Void) -> Bool {
    var rest = range ?? 0..<count
    while !rest.isEmpty {
      guard let tag = takeVarint(from: &rest), tag >> 3 > 0, tag >> 3 < 1 << 29 else { return false }
      let number = Int(tag >> 3)
      switch tag & 7 {
      case 0:
        guard let value = takeVarint(from: &rest) else { return false }
        body(number, .varint(value))
      case 1, 5:
        let size = tag & 7 == 1 ? 8 : 4
        guard rest.count >= size else { return false }
        rest = rest.lowerBound + size..<rest.upperBound
        body(number, .other)
      case 2:
        guard let length = takeVarint(from: &rest), length <= UInt64(rest.count) else { return false }
        let end = rest.lowerBound + Int(length)
        body(number, .content(rest.lowerBound..<end))
        rest = end..<rest.upperBound
      default: return false  // No reply of OTLP has groups.
      }
    }
    return true
  }

  private func takeVarint(from rest: inout Range<Int>) -> UInt64? {
    var value: UInt64 = 0
    for (place, index) in rest.prefix(10).enumerated() {
      value |= UInt64(self[index] & 0x7f) << UInt64(7 * place)
      if self[index] < 0x80 {
        rest = index + 1..<rest.upperBound
        return value
      }
    }
    return nil
  }
}

extension Bytes {
  /// Visits the members of a JSON object, whose values `body` must read; false when the text is no such object.
  func forEachReplyMember(
    _ body: (_ key: String, inout JSONScanner) throws(DecodeError) -> Void
  ) -> Bool {
    var scanner = JSONScanner(self)
    do throws(DecodeError) {
      try scanner.readObject { (scanner, key) throws(DecodeError) in try body(key.text, &scanner) }
      try scanner.expectEnd()
      return true
    } catch {
      return false
    }
  }
}

extension JSONScanner {
  /// An integer as a number or a string (proto3 "JSON Mapping"); nil for `null` and for a value of another type.
  mutating func readLenientInteger() throws(DecodeError) -> Int64? {
    switch peek() {
    case UInt8(ascii: "\""): return Int64(try readString().text)
    case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"):
      let letters = try readNumber()
      return Int64(letters) ?? Double(letters).flatMap(Int64.init(exactly:))
    default:
      try skipValue()
      return nil
    }
  }

  /// A string; nil for `null` and for a value of another type.
  mutating func readLenientText() throws(DecodeError) -> String? {
    if peek() == UInt8(ascii: "\"") { return try readString().text }
    try skipValue()
    return nil
  }
}
