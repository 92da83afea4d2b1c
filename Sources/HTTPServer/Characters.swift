// Which bytes may stand where in a request's header.

/// RFC 9110's character classes.
enum Characters {
  /// Section 5.6.2: the characters of methods and field names, as two bit sets.
  private static let tokensBelow64: UInt64 = 0x03FF_6CFA_0000_0000
  private static let tokensFrom64: UInt64 = 0x57FF_FFFF_C7FF_FFFE

  static func isToken(_ byte: UInt8) -> Bool {
    if byte < 64 { return tokensBelow64 &>> UInt64(byte) & 1 == 1 }
    return byte < 128 && tokensFrom64 &>> UInt64(byte - 64) & 1 == 1
  }

  static func isDigit(_ byte: UInt8) -> Bool { byte &- UInt8(ascii: "0") < 10 }
}
