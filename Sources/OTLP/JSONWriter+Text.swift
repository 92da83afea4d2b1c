// The letters of JSON: names, escaped text, numbers, hex and base64, written without a `String`.

package import Bytes

/// A few letters that are always the same.
struct JSONLetters: Sendable {
  static let countMax = 32

  private let low: SIMD16<Int8>
  private let high: SIMD16<Int8>
  private let count: Int

  init(_ text: String) {
    let bytes = text.utf8.map { Int8(bitPattern: $0) }
    precondition(bytes.count <= JSONLetters.countMax, "fixed letters fit two blocks")
    var (low, high) = (SIMD16<Int8>(), SIMD16<Int8>())
    for (index, byte) in bytes.enumerated() {
      if index < 16 { low[index] = byte } else { high[index - 16] = byte }
    }
    (self.low, self.high, count) = (low, high, bytes.count)
  }

  /// Writes the letters, and scribbles over `countMax` bytes.
  @inline(__always)
  func write(to output: OutputPosition) -> OutputPosition {
    output.store(low)
    (output + 16).store(high)
    return output + count
  }
}

extension ByteBuffer {
  /// Lends room for `capacity` bytes to a writer, which returns the place behind what it wrote.
  @inline(__always)
  mutating func write(upTo capacity: Int, _ body: (OutputPosition) -> OutputPosition) {
    // Safe: every caller writes at most `capacity` bytes, and scribbles over less than `Bytes.padding` behind them.
    unsafe appendUnsafe(capacity: capacity) { output in
      let start = unsafe OutputPosition(output)
      return body(start) - start
    }
  }

  /// Ends the object or array that began at `start`, all of whose members were written with a comma in front.
  @inline(__always)
  mutating func close(from start: Int, _ first: UInt8, _ last: UInt8) {
    if count == start { append(first) } else { replace(at: start, with: first) }
    append(last)
  }

  /// Appends valid UTF-8 as a JSON string with its quotes (RFC 8259 section 7).
  mutating func append(jsonText text: Span<UInt8>) { append(text: text.range, behind: JSONLetters("\"")) }

  /// The same for text that did not come in a request; it must be valid UTF-8 too.
  package mutating func append(jsonText text: Bytes) { append(jsonText: text.span) }

  /// Appends letters that end with a quote, valid UTF-8 as the inside of a JSON string, and the quote behind it.
  @inline(__always)
  mutating func append(text: InputRange, behind letters: JSONLetters) {
    var plain = 0
    write(upTo: JSONLetters.countMax + text.count + 1) { output in
      let output = letters.write(to: output)
      plain = text.copyPlainText(to: output)
      (output + plain).store(UInt8(ascii: "\""))
      return output + plain + 1
    }
    if plain < text.count { escapeTextAndQuote(text, from: plain) }
  }

  /// Goes on where the first `plain` bytes were written and a quote behind them.
  @inline(never)
  private mutating func escapeTextAndQuote(_ text: InputRange, from plain: Int) {
    var rest = InputRange(text.start + plain, until: text.end)
    truncate(to: count - 1)
    while !rest.isEmpty {
      // A block of plain text at most, and one escape sequence.
      write(upTo: 16 + 6) { output in
        output.store(rest.start.block)
        let plain = min(rest.start.block.plainTextBytes, rest.count)
        let end = rest.start + plain
        guard plain < 16, end < rest.end else {
          rest = InputRange(end, until: rest.end)
          return output + plain
        }
        rest = InputRange(end + 1, until: rest.end)
        return (output + plain).escape(end.byte)
      }
    }
    append(UInt8(ascii: "\""))
  }

  mutating func append(integer value: Int64) { write(upTo: 21) { $0.decimal(value) } }

  mutating func append(integer value: UInt64) { write(upTo: 20) { $0.decimal(value) } }

  mutating func append(hex bytes: Span<UInt8>) { write(upTo: bytes.count * 2) { $0.hex(bytes.range) } }

  mutating func append(base64 bytes: InputRange) {
    write(upTo: (bytes.count + 2) / 3 * 4) { $0.base64(bytes) }
  }

  /// Appends letters that end with a quote, bytes as base64, and the quote behind it.
  mutating func append(base64 bytes: InputRange, behind letters: JSONLetters) {
    write(upTo: JSONLetters.countMax + (bytes.count + 2) / 3 * 4 + 1) { output in
      let end = letters.write(to: output).base64(bytes)
      end.store(UInt8(ascii: "\""))
      return end + 1
    }
  }
}

extension InputRange {
  /// Copies what needs no escape, in whole blocks; returns how many bytes of it there are.
  @inline(__always)
  func copyPlainText(to output: OutputPosition) -> Int {
    var done = 0
    while true {
      let block = (start + done).block
      (output + done).store(block)
      let plain = block.plainTextBytes
      if plain < 16 { return min(done &+ plain, count) }
      done &+= 16
      if done >= count { return count }
    }
  }
}

extension SIMD16<Int8> {
  /// How many of the first bytes JSON text may hold as they are: others than quotes, backslashes, control characters.
  @inline(__always)
  fileprivate var plainTextBytes: Int {
    let isQuote: SIMDMask<SIMD16<Int8>> = self .== SIMD16<Int8>(repeating: 0x22)
    let isBackslash: SIMDMask<SIMD16<Int8>> = self .== SIMD16<Int8>(repeating: 0x5c)
    let isControl: SIMDMask<SIMD16<Int8>> = (self & SIMD16<Int8>(repeating: -0x20)) .== SIMD16<Int8>()
    return (isQuote .| isBackslash .| isControl).firstMarked
  }
}

extension SIMDMask<SIMD16<Int8>> {
  /// The number of lanes in front of the first that is marked; 16 when none is.
  @inline(__always)
  var firstMarked: Int {
    // Safe: both are 16 bytes without padding.
    let halves = unsafe unsafeBitCast(self, to: SIMD2<UInt64>.self)
    if halves[0] != 0 { return halves[0].trailingZeroBitCount &>> 3 }
    if halves[1] != 0 { return 8 &+ (halves[1].trailingZeroBitCount &>> 3) }
    return 16
  }
}

extension OutputPosition {
  /// Writes the bytes in lower-case hex: two digits for each.
  @inline(__always)
  func hex(_ bytes: InputRange) -> OutputPosition {
    // Four at a time: an id has eight or sixteen.
    var offset = 0
    while offset < bytes.count {
      (self + 2 &* offset).store(bytes.start.halfWord(at: offset).hexDigits)
      offset &+= 4
    }
    return self + 2 * bytes.count
  }

  /// Writes the bytes in padded base64 and the standard alphabet (RFC 4648 section 4): four digits for three.
  fileprivate func base64(_ bytes: InputRange) -> OutputPosition {
    var (position, output) = (bytes.start, self)
    while position < bytes.end {
      // Behind the end there is something to read, which then is masked.
      let given = min(3, bytes.end - position)
      let three = position.halfWord().byteSwapped >> 8 & (0xff_ffff << UInt32(8 * (3 - given)))
      for letter in 0..<4 {
        let digit = UInt8(truncatingIfNeeded: three >> UInt32(18 - 6 * letter)) & 63
        (output + letter).store(letter <= given ? digit.base64Letter : UInt8(ascii: "="))
      }
      position += given
      output += 4
    }
    return output
  }

  /// Writes the escape sequence of a byte that needs one: six bytes at most.
  fileprivate func escape(_ byte: UInt8) -> OutputPosition {
    store(UInt8(ascii: "\\"))
    let letter: UInt8
    switch byte {
    case 0x08: letter = UInt8(ascii: "b")
    case 0x09: letter = UInt8(ascii: "t")
    case 0x0a: letter = UInt8(ascii: "n")
    case 0x0c: letter = UInt8(ascii: "f")
    case 0x0d: letter = UInt8(ascii: "r")
    case 0x00..<0x20:
      (self + 1).store(0x3030_3075 as UInt32)  // u000
      (self + 4).store(UInt16(truncatingIfNeeded: UInt32(byte).hexDigits))
      return self + 6
    default: letter = byte
    }
    (self + 1).store(letter)
    return self + 2
  }
}

extension UInt32 {
  /// The lower-case hex digits of four bytes in memory order, the first digit in the lowest byte.
  @inline(__always)
  fileprivate var hexDigits: UInt64 {
    var spread = UInt64(self)
    spread = (spread | spread << 16) & 0x0000_ffff_0000_ffff
    spread = (spread | spread << 8) & 0x00ff_00ff_00ff_00ff
    let nibbles = (spread >> 4 | spread << 8) & 0x0f0f_0f0f_0f0f_0f0f
    // Six more than a letter's value carries into the upper half.
    let isLetter = ((nibbles &+ 0x0606_0606_0606_0606) >> 4) & 0x0101_0101_0101_0101
    return nibbles &+ 0x3030_3030_3030_3030 &+ isLetter &* UInt64(UInt8(ascii: "a") - 10 - UInt8(ascii: "0"))
  }
}

extension UInt8 {
  /// The letter of a value below 64.
  fileprivate var base64Letter: UInt8 {
    switch self {
    case 0..<26: UInt8(ascii: "A") + self
    case 26..<52: UInt8(ascii: "a") + self - 26
    case 52..<62: UInt8(ascii: "0") + self - 52
    case 62: UInt8(ascii: "+")
    default: UInt8(ascii: "/")
    }
  }
}
