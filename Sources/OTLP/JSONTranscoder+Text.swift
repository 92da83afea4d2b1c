// JSON strings: copied to the output while their end is looked for.

extension JSONTranscoder {
  /// Copies a string, `start` being behind its opening quote, with its length in front; the length goes to `output`.
  ///
  /// Returns the places behind the closing quote and behind the copy.
  @inline(__always)
  func string(
    _ start: InputPosition, _ output: OutputPosition
  ) throws(Refusal) -> (InputPosition, OutputPosition) {
    let body = output + 1
    let (position, end) = try text(start, body)
    let count = end - body
    if count < 0x80 {
      output.store(UInt8(truncatingIfNeeded: count))
      return (position, end)
    }
    return (position, body.closeLength(width: 1, until: end))
  }

  /// Copies a string's text; returns the places behind the closing quote and behind the copy.
  @inline(__always)
  func text(
    _ start: InputPosition, _ output: OutputPosition
  ) throws(Refusal) -> (InputPosition, OutputPosition) {
    var (position, output) = (start, output)
    while true {
      let block = position.block
      output.store(block)
      let plain = JSONTranscoder.plainBytes(in: block)
      position += plain
      output += plain
      if plain == 16 { continue }
      if position.byte == UInt8(ascii: "\"") { return (position + 1, output) }
      (position, output) = try unplainText(position, output)
    }
  }

  /// How many of the first bytes are ASCII without quotes, backslashes and control characters.
  @inline(__always)
  private static func plainBytes(in block: SIMD16<Int8>) -> Int {
    // Signed, the bytes from 0x80 on are less than the space too.
    let isQuote: SIMDMask<SIMD16<Int8>> = block .== SIMD16<Int8>(repeating: 0x22)
    let isBackslash: SIMDMask<SIMD16<Int8>> = block .== SIMD16<Int8>(repeating: 0x5c)
    let isOther: SIMDMask<SIMD16<Int8>> = block .< SIMD16<Int8>(repeating: 0x20)
    // Safe: both are 16 bytes without padding.
    let halves = unsafe unsafeBitCast(isQuote .| isBackslash .| isOther, to: SIMD2<UInt64>.self)
    if halves[0] != 0 { return halves[0].trailingZeroBitCount &>> 3 }
    if halves[1] != 0 { return 8 &+ (halves[1].trailingZeroBitCount &>> 3) }
    return 16
  }

  /// Copies an escape or a run of scalars beyond ASCII.
  @inline(never)
  private func unplainText(
    _ start: InputPosition, _ output: OutputPosition
  ) throws(Refusal) -> (InputPosition, OutputPosition) {
    var (position, output) = (start, output)
    if position.byte == UInt8(ascii: "\\") { return try escape(position, output) }
    guard position.byte >= 0x80 else { throw Refusal(.control, position) }
    while position.byte >= 0x80 {
      let width = position.scalarWidth
      guard width > 0 else { throw Refusal(.invalidUTF8, position) }
      // All of the scalar's bytes are other than zero: the position stays in front of the document's end.
      output.store(position.halfWord())
      position += width
      output += width
    }
    return (position, output)
  }

  /// Writes the scalar that an escape sequence stands for (RFC 8259 section 7).
  private func escape(
    _ start: InputPosition, _ output: OutputPosition
  ) throws(Refusal) -> (InputPosition, OutputPosition) {
    let byte: UInt8
    switch start[1] {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): byte = start[1]
    case UInt8(ascii: "b"): byte = 0x08
    case UInt8(ascii: "f"): byte = 0x0c
    case UInt8(ascii: "n"): byte = 0x0a
    case UInt8(ascii: "r"): byte = 0x0d
    case UInt8(ascii: "t"): byte = 0x09
    case UInt8(ascii: "u"):
      let (position, scalar) = try unicodeEscape(start)
      return (position, output.scalar(scalar))
    default: throw Refusal(.escape, start)
    }
    output.store(byte)
    return (start + 2, output + 1)
  }

  /// The scalar of one `\u` escape or of a pair of them.
  private func unicodeEscape(_ start: InputPosition) throws(Refusal) -> (InputPosition, UInt32) {
    let first = try hexadecimalUnit(start)
    guard first & 0xf800 == 0xd800 else { return (start + 6, first) }
    guard first < 0xdc00, start[6] == UInt8(ascii: "\\"), start[7] == UInt8(ascii: "u") else {
      throw Refusal(.surrogate, start)
    }
    let second = try hexadecimalUnit(start + 6)
    guard second & 0xfc00 == 0xdc00 else { throw Refusal(.surrogate, start) }
    return (start + 12, 0x10000 + ((first & 0x3ff) << 10 | (second & 0x3ff)))
  }

  /// The four digits of the `\u` escape at `start`.
  private func hexadecimalUnit(_ start: InputPosition) throws(Refusal) -> UInt32 {
    var value: UInt32 = 0
    for index in 2..<6 {
      // Digits are other than zero, and the first other byte ends this.
      guard let digit = start[index].hexadecimalValue else { throw Refusal(.escape, start) }
      value = value << 4 | UInt32(digit)
    }
    return value
  }
}

extension OutputPosition {
  /// Writes a scalar, which is not a surrogate, as UTF-8; returns the place behind it.
  fileprivate func scalar(_ scalar: UInt32) -> OutputPosition {
    func tail(_ shift: UInt32) -> UInt8 { UInt8(0x80 | ((scalar >> shift) & 0x3f)) }
    switch scalar {
    case 0..<0x80:
      store(UInt8(scalar))
      return self + 1
    case 0x80..<0x800:
      store(UInt8(0xc0 | scalar >> 6))
      (self + 1).store(tail(0))
      return self + 2
    case 0x800..<0x10000:
      store(UInt8(0xe0 | scalar >> 12))
      (self + 1).store(tail(6))
      (self + 2).store(tail(0))
      return self + 3
    default:
      store(UInt8(0xf0 | scalar >> 18))
      (self + 1).store(tail(12))
      (self + 2).store(tail(6))
      (self + 3).store(tail(0))
      return self + 4
    }
  }
}

extension UInt8 {
  /// The value of an ASCII hex digit in either case.
  @inline(__always)
  var hexadecimalValue: UInt8? {
    let digit = self &- UInt8(ascii: "0")
    if digit < 10 { return digit }
    let letter = (self | 0x20) &- UInt8(ascii: "a")
    return letter < 6 ? letter + 10 : nil
  }
}
