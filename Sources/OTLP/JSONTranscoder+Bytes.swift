// Ids as hex and bytes as base64.

extension JSONTranscoder {
  /// Writes a trace id (16 bytes) or a span id (8 bytes) with its length.
  ///
  /// OTLP/HTTP "JSON Protobuf Encoding": ids are hex in either case, never base64.
  @inline(__always)
  func identifier(
    _ start: InputPosition, _ output: OutputPosition, bytes: Int
  ) throws(Refusal) -> (InputPosition, OutputPosition) {
    guard start.byte == UInt8(ascii: "\"") else { throw Refusal(.string, start) }
    let digits = start + 1
    // Where the closing quote must be; hex digits in front of it prove that the document goes on until there.
    if digits[bytes * 2] == UInt8(ascii: "\"") {
      var isHexadecimal = true
      for index in 0..<(bytes / 4) {
        guard let four = digits.fourHexadecimalBytes(at: index * 8) else {
          isHexadecimal = false
          break
        }
        (output + 1 + index * 4).store(four)
      }
      if isHexadecimal {
        output.store(UInt8(truncatingIfNeeded: bytes))
        return (digits + bytes * 2 + 1, output + 1 + bytes)
      }
    }
    return try unusualIdentifier(start, output, bytes: bytes)
  }

  /// An id that is empty, escaped, of a wrong length, in base64, or no id at all.
  @inline(never)
  private func unusualIdentifier(
    _ start: InputPosition, _ output: OutputPosition, bytes: Int
  ) throws(Refusal) -> (InputPosition, OutputPosition) {
    let body = output + 1
    let (position, textEnd) = try text(start + 1, body)
    let count = textEnd - body
    if let decoded = body.decodeHexadecimal(count: count) {
      // I3: an id of another length is the item's error, not the request's.
      if decoded != bytes && decoded != 0 { isCanonical = false }
      return (position, body.closeLength(width: 1, until: body + decoded))
    }
    // Encoders made from the .proto files alone write ids like any other bytes. With the padding, 16 bytes are 24
    // characters that cannot be hex, and 8 bytes are 12.
    if count == (bytes + 2) / 3 * 4, body.decodeBase64(count: count) == bytes {
      base64IDs += 1
      output.store(UInt8(truncatingIfNeeded: bytes))
      return (position, body + bytes)
    }
    throw Refusal(bytes == 16 ? .traceID : .spanID, start)
  }

  /// Writes a base64 text's bytes with their length: proto3 JSON takes both alphabets, with and without padding.
  @inline(never)
  func base64(
    _ start: InputPosition, _ output: OutputPosition
  ) throws(Refusal) -> (InputPosition, OutputPosition) {
    guard start.byte == UInt8(ascii: "\"") else { throw Refusal(.string, start) }
    let body = output + 1
    let (position, textEnd) = try text(start + 1, body)
    guard let count = body.decodeBase64(count: textEnd - body) else { throw Refusal(.base64, start) }
    return (position, body.closeLength(width: 1, until: body + count))
  }
}

extension InputPosition {
  /// The four bytes of eight hex digits, in memory order; nil when there are others.
  @inline(__always)
  fileprivate func fourHexadecimalBytes(at distance: Int) -> UInt32? {
    let text = word(at: distance)
    let highBits: UInt64 = 0x8080_8080_8080_8080
    // For bytes below 0x80: the high bit says whether the byte is at least `limit`.
    func atLeast(_ limit: UInt64, _ bytes: UInt64) -> UInt64 {
      ((bytes | highBits) &- limit &* 0x0101_0101_0101_0101) & highBits
    }
    let lowercase = text | 0x2020_2020_2020_2020
    let isDigit = atLeast(0x30, text) & ~atLeast(0x3a, text)
    let isLetter = atLeast(0x61, lowercase) & ~atLeast(0x67, lowercase)
    guard (isDigit | isLetter) & ~text & highBits == highBits else { return nil }
    // Letters have bit 6, and their low half counts from 1 for ten.
    let isAlphabetic = (text >> 6) & 0x0101_0101_0101_0101
    let nibbles = (text & 0x0f0f_0f0f_0f0f_0f0f) &+ isAlphabetic &* 9
    // The digit that comes first, in the lower byte, is the upper half.
    let bytes = (nibbles << 4 | nibbles >> 8) & 0x00ff_00ff_00ff_00ff
    let pairs = (bytes | bytes >> 8) & 0x0000_ffff_0000_ffff
    return UInt32(truncatingIfNeeded: pairs | pairs >> 16)
  }
}

extension OutputPosition {
  /// Replaces `count` hex digits from here on by their bytes; returns how many, or nil when it is not hex.
  fileprivate func decodeHexadecimal(count: Int) -> Int? {
    guard count % 2 == 0 else { return nil }
    let text = written
    // Look before anything is overwritten: the text may yet turn out to be base64.
    for index in 0..<count where text[index].hexadecimalValue == nil { return nil }
    for index in 0..<(count / 2) {
      let (high, low) = (text[2 * index].hexadecimalValue ?? 0, text[2 * index + 1].hexadecimalValue ?? 0)
      (self + index).store(high << 4 | low)
    }
    return count / 2
  }

  /// Replaces `count` base64 digits from here on by their bytes; returns how many, or nil when it is not base64.
  fileprivate func decodeBase64(count: Int) -> Int? {
    let text = written
    var digits = count
    while digits > 0 && count - digits < 2 && text[digits - 1] == UInt8(ascii: "=") { digits -= 1 }
    if digits < count && count % 4 != 0 { return nil }
    if digits % 4 == 1 { return nil }
    var (bits, bitCount, end): (UInt32, UInt32, Int) = (0, 0, 0)
    for index in 0..<digits {
      guard let digit = text[index].base64Value else { return nil }
      bits = bits << 6 | UInt32(digit)
      bitCount += 6
      if bitCount >= 8 {
        bitCount -= 8
        (self + end).store(UInt8(truncatingIfNeeded: bits >> bitCount))
        end += 1
      }
    }
    return end
  }
}

extension UInt8 {
  /// The value of a digit of either base64 alphabet (RFC 4648 sections 4 and 5).
  fileprivate var base64Value: UInt8? {
    switch self {
    case UInt8(ascii: "A")...UInt8(ascii: "Z"): self - UInt8(ascii: "A")
    case UInt8(ascii: "a")...UInt8(ascii: "z"): self - UInt8(ascii: "a") + 26
    case UInt8(ascii: "0")...UInt8(ascii: "9"): self - UInt8(ascii: "0") + 52
    case UInt8(ascii: "+"), UInt8(ascii: "-"): 62
    case UInt8(ascii: "/"), UInt8(ascii: "_"): 63
    default: nil
    }
  }
}
