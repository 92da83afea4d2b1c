// The error for people, made of a decoder's two words and the input.

extension DecodeError {
  /// `base` is the address of the first of the document's bytes when the decoder stopped.
  init(_ refusal: Refusal, json bytes: borrowing Span<UInt8>, base: UInt) {
    let byte = min(Int(refusal.address &- base), bytes.count)
    self.init(
      path: FieldPath(json: bytes, at: byte).description,
      problem: refusal.cause.problem(json: bytes, at: byte), byte: byte)
  }

  /// `base` is the address of the first of the request's bytes when the walker stopped.
  init(_ refusal: Refusal, protobuf bytes: borrowing Span<UInt8>, base: UInt, signal: Signal) {
    let byte = min(Int(refusal.address &- base), bytes.count)
    self.init(
      path: FieldPath(protobuf: bytes, at: byte, signal: signal).description,
      problem: refusal.cause.expectation, byte: byte)
  }
}

extension Refusal.Cause {
  /// What is wrong, without the input.
  fileprivate var expectation: String {
    switch self {
    case .tooDeep: "nested deeper than \(DecodeLimits.messagesNestedMax) messages"
    case .unknownTooDeep: "nested deeper than \(DecodeLimits.unknownValuesNestedMax) arrays and objects"
    case .invalidUTF8: "expected UTF-8 text, found other bytes"
    case .object: "expected an object"
    case .array: "expected an array"
    case .string: "expected a string"
    case .boolean: "expected true or false"
    case .number: "expected a number"
    case .integer: "expected an integer"
    case .enumeration: "expected an enum's number"
    case .name: "expected a name in double quotes"
    case .colon: "expected ':'"
    case .commaOrBrace: "expected ',' or '}'"
    case .commaOrBracket: "expected ',' or ']'"
    case .value: "expected a value"
    case .documentEnd: "expected the end of the document"
    case .escape: "expected a valid escape sequence"
    case .surrogate: "expected a pair of surrogates"
    case .control: "expected text without raw control characters"
    case .traceID: "expected 32 hex digits"
    case .spanID: "expected 16 hex digits"
    case .base64: "expected base64"
    case .integerRange: "expected an integer in the field's range"
    case .int32Range: "expected an integer from -2147483648 to 2147483647"
    case .uint32Range: "expected an integer from 0 to 4294967295"
    case .doubleRange: "expected a number that fits a double"
    case .fraction: "expected an integer without a fraction"
    case .truncated: "the field reaches beyond the end of its message"
    case .longVarint: "a varint has more than 10 bytes"
    case .longTagOrLength: "a tag or length has more than 5 bytes"
    case .tag: "the field number is 0 or larger than 536870911"
    case .wireType: "the wire type is 6 or 7, which do not exist"
    case .endGroup: "a group ends that did not begin"
    case .openGroup: "a group has no end"
    case .packedLength: "the length of a packed list does not fit its values"
    }
  }

  fileprivate func problem(json bytes: borrowing Span<UInt8>, at byte: Int) -> String {
    switch self {
    case .tooDeep, .unknownTooDeep: return expectation
    case .traceID, .spanID:
      if let digits = hexadecimalDigits(bytes, at: byte) { return "\(expectation), found \(digits)" }
      return "\(expectation), found \(found(bytes, at: byte))"
    case .object where byte == 0 && bytes.count > 2 && bytes[0] == 0xef && bytes[1] == 0xbb:
      return "expected an object, found a byte order mark; send plain UTF-8"
    default: return "\(expectation), found \(found(bytes, at: byte))"
    }
  }

  /// How many digits the string at `byte` has, if it has nothing else.
  private func hexadecimalDigits(_ bytes: borrowing Span<UInt8>, at byte: Int) -> Int? {
    var end = byte + 1
    while end < bytes.count && bytes[end].hexadecimalValue != nil { end += 1 }
    return end < bytes.count && bytes[end] == UInt8(ascii: "\"") ? end - byte - 1 : nil
  }

  /// The token at `byte`, cut and made safe to show.
  private func found(_ bytes: borrowing Span<UInt8>, at byte: Int) -> String {
    guard byte < bytes.count else { return "the end of the document" }
    let first = bytes[byte]
    if first < 0x20 || first == 0x7f || first >= 0x80 {
      let digits = String(first, radix: 16)
      return "the byte 0x" + (digits.utf8.count < 2 ? "0" : "") + digits
    }
    var end = byte + 1
    if first == UInt8(ascii: "\"") {
      while end < bytes.count && bytes[end] != UInt8(ascii: "\"") { end += 1 }
      return FieldPath.quoted(bytes, byte..<min(end + 1, bytes.count))
    }
    if first == UInt8(ascii: "\\") && end < bytes.count {
      end = min(byte + (bytes[end] == UInt8(ascii: "u") ? 6 : 2), bytes.count)
    }
    while end < bytes.count && (bytes[end] | 0x20).isNumberOrWordByte && first.isNumberOrWordByteStart { end += 1 }
    return "'" + FieldPath.quoted(bytes, byte..<end) + "'"
  }
}

extension UInt8 {
  fileprivate var isNumberOrWordByte: Bool {
    switch self {
    case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "+"),
      UInt8(ascii: "-"), UInt8(ascii: "."):
      true
    default: false
    }
  }

  fileprivate var isNumberOrWordByteStart: Bool { (self | 0x20).isNumberOrWordByte }
}
