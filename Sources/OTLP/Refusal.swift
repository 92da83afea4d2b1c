// Why a decoder stopped, in two words, before anybody wants to read it.

/// The bounds of decoding. Bytes and items are bounded by the size of the request body itself.
enum DecodeLimits {
  /// Messages inside one another, the root included (I4).
  static let messagesNestedMax = 100
  /// JSON arrays and objects inside one another below a name we do not know.
  static let unknownValuesNestedMax = 1024
  /// Input bytes that an error quotes.
  static let quotedBytesMax = 40
  /// Steps of an error's path that are printed; the steps between the first and the last ones are left out.
  static let pathStepsMax = 24
}

/// A decoder's reason to stop and the place it stopped at; `DecodeError` is made of it outside the hot path.
struct Refusal: Error {
  let cause: Cause
  /// The address of the byte where the decoder stopped.
  let address: UInt

  @inline(__always)
  init(_ cause: Cause, _ position: InputPosition) {
    self.cause = cause
    address = position.address
  }

  enum Cause: UInt8, Sendable {
    // Both encodings.
    case tooDeep, invalidUTF8
    // JSON: what was expected.
    case object, array, string, boolean, number, integer, enumeration, name, colon, commaOrBrace, commaOrBracket, value
    case unknownTooDeep, documentEnd, escape, surrogate, control, traceID, spanID, base64
    // JSON: numbers that do not fit.
    case integerRange, int32Range, uint32Range, doubleRange, fraction
    // Protobuf.
    case truncated, longVarint, longTagOrLength, tag, wireType, endGroup, openGroup, packedLength
  }
}
