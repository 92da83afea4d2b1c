// One field of a protobuf message at a time, bounds-checked, for the passes that need not be fast.

/// A field as it lies in the bytes of a message.
struct CheckedField {
  let number: UInt64
  let wireType: UInt8
  /// Where the tag begins.
  let start: Int
  /// Where the value begins; of a length-delimited one, behind the length.
  let valueStart: Int
  /// Behind the field; of a group, behind its end tag.
  let end: Int

  /// The bytes of a length-delimited value, or of a number.
  var value: Range<Int> { valueStart..<end }

  /// The field that begins at `start` and ends at `limit` at the latest; nil when there is none.
  init?(_ bytes: borrowing Span<UInt8>, at start: Int, limit: Int) {
    guard let (tag, tagEnd) = CheckedField.varint(bytes, at: start, limit: limit), tag >> 3 != 0 else { return nil }
    self.start = start
    number = tag >> 3
    wireType = UInt8(tag & 7)
    switch wireType {
    case 0:
      guard let (_, end) = CheckedField.varint(bytes, at: tagEnd, limit: limit) else { return nil }
      (valueStart, self.end) = (tagEnd, end)
    case 1: (valueStart, end) = (tagEnd, tagEnd + 8)
    case 5: (valueStart, end) = (tagEnd, tagEnd + 4)
    case 2:
      guard let (count, valueStart) = CheckedField.varint(bytes, at: tagEnd, limit: limit),
        count <= UInt64(limit - valueStart)
      else { return nil }
      self.valueStart = valueStart
      end = valueStart + Int(count)
    case 3:
      guard let end = CheckedField.groupEnd(bytes, number: tag >> 3, at: tagEnd, limit: limit) else { return nil }
      (valueStart, self.end) = (tagEnd, end)
    default: return nil
    }
    if end > limit { return nil }
  }

  static func varint(_ bytes: borrowing Span<UInt8>, at start: Int, limit: Int) -> (value: UInt64, end: Int)? {
    var value: UInt64 = 0
    for index in 0..<10 where start + index < limit {
      let byte = bytes[start + index]
      value |= UInt64(byte & 0x7f) << UInt64(7 * index)
      if byte < 0x80 { return (value, start + index + 1) }
    }
    return nil
  }

  /// The place behind the group's end tag. Groups inside groups are counted, not descended into.
  private static func groupEnd(
    _ bytes: borrowing Span<UInt8>, number: UInt64, at start: Int, limit: Int
  ) -> Int? {
    var position = start
    var depth = 1
    while let (tag, tagEnd) = varint(bytes, at: position, limit: limit) {
      switch tag & 7 {
      case 3: (depth, position) = (depth + 1, tagEnd)
      case 4:
        (depth, position) = (depth - 1, tagEnd)
        if depth == 0 { return tag >> 3 == number ? position : nil }
      default:
        guard let field = CheckedField(bytes, at: position, limit: limit) else { return nil }
        position = field.end
      }
    }
    return nil
  }
}

extension Field {
  /// Whether a field on the wire is this one; another wire type makes it an unknown field.
  func describes(_ field: CheckedField) -> Bool {
    UInt64(number) == field.number
      && (field.wireType == type.wireType || (field.wireType == 2 && occurrence == .repeated))
  }
}
