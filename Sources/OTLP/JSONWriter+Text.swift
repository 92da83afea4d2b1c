// The letters of JSON: escaped text, numbers, hex and base64, appended without a `String` where it matters.

package import Bytes

extension ByteBuffer {
  /// Appends valid UTF-8 as a JSON string with its quotes (RFC 8259 section 7).
  package mutating func append(jsonText text: Span<UInt8>) {
    guard text.firstJSONEscape(from: 0) == text.count else {
      append(0x22)
      append(jsonEscaped: text)
      append(0x22)
      return
    }
    // Safe: the two quotes and the text fill exactly the bytes that were asked for.
    unsafe appendUnsafe(capacity: text.count + 2) { output in
      unsafe output[0] = 0x22
      unsafe text.withUnsafeBufferPointer { source in
        if let start = source.baseAddress { unsafe (output + 1).initialize(from: start, count: source.count) }
      }
      unsafe output[text.count + 1] = 0x22
      return text.count + 2
    }
  }

  /// Appends valid UTF-8 with quotes, backslashes and control characters escaped.
  mutating func append(jsonEscaped text: Span<UInt8>) {
    var start = 0
    while true {
      let end = text.firstJSONEscape(from: start)
      append(text.extracting(start..<end))
      guard end < text.count else { return }
      append(jsonEscape: text[end])
      start = end + 1
    }
  }

  private mutating func append(jsonEscape byte: UInt8) {
    append(0x5c)
    switch byte {
    case 0x22, 0x5c: append(byte)
    case 0x08: append(UInt8(ascii: "b"))
    case 0x09: append(UInt8(ascii: "t"))
    case 0x0a: append(UInt8(ascii: "n"))
    case 0x0c: append(UInt8(ascii: "f"))
    case 0x0d: append(UInt8(ascii: "r"))
    default:
      append("u00" as StaticString)
      append((byte >> 4).hexLetter)
      append((byte & 15).hexLetter)
    }
  }

  /// Appends a double as the shortest JSON number that reads back the same; it always has a `.` or an `e`.
  ///
  /// - Precondition: the value is finite.
  mutating func append(finite value: Double) {
    // `description` is the shortest round-trip form, as `5.0`, `1e-07` or `-0.0`: all are JSON numbers.
    append(value.description)
  }

  mutating func append(integer value: Int64) {
    if value < 0 { append(UInt8(ascii: "-")) }
    append(integer: value.magnitude)
  }

  mutating func append(integer value: UInt64) {
    var digits = InlineArray<20, UInt8>(repeating: 0)
    var start = 20
    var rest = value
    repeat {
      start -= 1
      digits[start] = UInt8(ascii: "0") + UInt8(rest % 10)
      rest /= 10
    } while rest > 0
    append(digits.span.extracting(start..<20))
  }

  mutating func append(hex bytes: Span<UInt8>) {
    // Safe: two digits per byte fill exactly the bytes that were asked for.
    unsafe appendUnsafe(capacity: bytes.count * 2) { output in
      for index in bytes.indices {
        unsafe output[2 * index] = (bytes[index] >> 4).hexLetter
        unsafe output[2 * index + 1] = (bytes[index] & 15).hexLetter
      }
      return bytes.count * 2
    }
  }

  /// Appends padded base64 in the standard alphabet (RFC 4648 section 4).
  mutating func append(base64 bytes: Span<UInt8>) {
    var index = 0
    while index + 3 <= bytes.count {
      append(base64Group: bytes[index], bytes[index + 1], bytes[index + 2], letters: 4)
      index += 3
    }
    switch bytes.count - index {
    case 1:
      append(base64Group: bytes[index], 0, 0, letters: 2)
      append("==" as StaticString)
    case 2:
      append(base64Group: bytes[index], bytes[index + 1], 0, letters: 3)
      append("=" as StaticString)
    default: break
    }
  }

  private mutating func append(base64Group a: UInt8, _ b: UInt8, _ c: UInt8, letters: Int) {
    let bits = UInt32(a) << 16 | UInt32(b) << 8 | UInt32(c)
    for letter in 0..<letters {
      let value = UInt8(truncatingIfNeeded: bits >> UInt32(18 - 6 * letter)) & 63
      switch value {
      case 0..<26: append(UInt8(ascii: "A") + value)
      case 26..<52: append(UInt8(ascii: "a") + value - 26)
      case 52..<62: append(UInt8(ascii: "0") + value - 52)
      case 62: append(UInt8(ascii: "+"))
      default: append(UInt8(ascii: "/"))
      }
    }
  }
}

extension UInt8 {
  /// The lower-case hex digit of a value below 16.
  fileprivate var hexLetter: UInt8 { self < 10 ? UInt8(ascii: "0") &+ self : UInt8(ascii: "a") &+ self &- 10 }
}

extension Span<UInt8> {
  /// The offset of the first byte that JSON text must escape, or the count.
  func firstJSONEscape(from start: Int) -> Int {
    var index = start
    // Eight bytes at a time: the lowest marked byte is exact; borrows can only mark bytes above it falsely.
    while index + 8 <= count {
      let word = fixed64(at: index)
      let ones: UInt64 = 0x0101_0101_0101_0101
      let control = word &- ones &* 0x20
      let quote = (word ^ ones &* 0x22) &- ones
      let backslash = (word ^ ones &* 0x5c) &- ones
      let marks = (control | quote | backslash) & ~word & 0x8080_8080_8080_8080
      if marks != 0 { return index + marks.trailingZeroBitCount / 8 }
      index += 8
    }
    while index < count {
      let byte = self[index]
      if byte < 0x20 || byte == 0x22 || byte == 0x5c { return index }
      index += 1
    }
    return count
  }
}
