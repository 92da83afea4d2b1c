// Single values of every field type, and the one shape of attribute that nearly all attributes have.

extension JSONTranscoder {
  /// Reads one value of a field that is no message, and whose tag was stored at `output` already.
  @inline(__always)
  func scalar(
    _ start: InputPosition, _ output: OutputPosition, _ field: JSONField
  ) throws(Refusal) -> (InputPosition, OutputPosition) {
    let body = output + Int(field.tagWidth)
    switch field.type {
    case .string:
      guard start.byte == UInt8(ascii: "\"") else { throw Refusal(.string, start) }
      return try string(start + 1, body)
    case .fixed64:
      // A time: most of what is not text is.
      let (position, value) = try unsigned(start)
      body.store(value)
      return (position, body + 8)
    case .traceID: return try identifier(start, body, bytes: 16)
    case .spanID: return try identifier(start, body, bytes: 8)
    case .bytes: return try base64(start, body)
    case .enumeration:
      let (position, value) = try number(of: field.enumeration, start)
      // Protobuf "Encoding": a negative enum is a varint of ten bytes.
      return (position, body.varint(UInt64(bitPattern: Int64(value))))
    default: return try value(start, body, field.type)
    }
  }

  /// Reads one number or boolean, and writes it without a tag.
  @inline(never)
  func value(
    _ start: InputPosition, _ output: OutputPosition, _ type: FieldType
  ) throws(Refusal) -> (InputPosition, OutputPosition) {
    let position: InputPosition
    switch type {
    case .fixed64, .uint64:
      let value: UInt64
      (position, value) = try unsigned(start)
      if type == .uint64 { return (position, output.varint(value)) }
      output.store(value)
      return (position, output + 8)
    case .int64, .sfixed64:
      let value: Int64
      (position, value) = try signed(start)
      if type == .int64 { return (position, output.varint(UInt64(bitPattern: value))) }
      output.store(UInt64(bitPattern: value))
      return (position, output + 8)
    case .uint32, .fixed32:
      let value: UInt64
      (position, value) = try unsigned(start)
      guard let narrow = UInt32(exactly: value) else { throw Refusal(.uint32Range, start) }
      if type == .uint32 { return (position, output.varint(value)) }
      output.store(narrow)
      return (position, output + 4)
    case .sint32:
      let value: Int64
      (position, value) = try signed(start)
      guard let narrow = Int32(exactly: value) else { throw Refusal(.int32Range, start) }
      return (position, output.varint(UInt64(UInt32(bitPattern: narrow << 1 ^ narrow >> 31))))
    case .double:
      let value: Double
      (position, value) = try double(start)
      output.store(value.bitPattern)
      return (position, output + 8)
    case .bool:
      if start.halfWord() == 0x6575_7274 {  // true
        output.store(UInt8(1))
        return (start + 4, output + 1)
      }
      guard start.halfWord() == 0x736c_6166 && start[4] == UInt8(ascii: "e") else { throw Refusal(.boolean, start) }
      output.store(UInt8(0))
      return (start + 5, output + 1)
    case .string, .traceID, .spanID, .bytes, .enumeration, .message:
      preconditionFailure("neither a list of numbers nor left to this function")
    }
  }

  /// Reads a KeyValue from its `{` on; `body` is where its contents go.
  ///
  /// Attributes are half of all input, and nearly all of them are `{"key":"...","value":{"stringValue":"..."}}` or the
  /// same with `intValue`, without white space. Whatever is not takes the general way from its beginning; only leaf
  /// values are tried here, so nothing is read more than twice.
  @inline(__always)
  func keyValue(
    _ start: InputPosition, _ body: OutputPosition, depth: Int
  ) throws(Refusal) -> (InputPosition, OutputPosition) {
    // `{"key":"`, and the AnyValue inside is allowed (I4).
    if start.word() == 0x223a_2279_656b_227b && depth < DecodeLimits.messagesNestedMax {
      body.store(UInt8(0x0a))  // field 1, length-delimited
      var (position, output) = try string(start + 8, body + 1)
      // `,"value":{"`
      if position.word() == 0x2265_756c_6176_222c && position.halfWord(at: 8) & 0xff_ffff == 0x22_7b3a {
        position += 11
        output.store(UInt8(0x12))  // field 2, length-delimited
        let value = output + 2
        // `stringValue":"`
        if position.word() == 0x6156_676e_6972_7473 && position.word(at: 6) == 0x223a_2265_756c_6156 {
          value.store(UInt8(0x0a))  // field 1, length-delimited
          (position, output) = try string(position + 14, value + 1)
          if position.byte == UInt8(ascii: "}") && position[1] == UInt8(ascii: "}") {
            let count = output - value
            if count < 0x80 {
              (value - 1).store(UInt8(truncatingIfNeeded: count))
              return (position + 2, output)
            }
            return (position + 2, value.closeLength(width: 1, until: output))
          }
        } else if position.word() == 0x6575_6c61_5674_6e69 && position.halfWord(at: 8) & 0xffff == 0x3a22,
          position[10] > 0x20, position[10] != UInt8(ascii: "n")
        {
          // `intValue":`, and neither a blank nor null behind it: those go the general way.
          let number: Int64
          (position, number) = try signed(position + 10)
          value.store(UInt8(0x18))  // field 3, varint
          output = (value + 1).varint(UInt64(bitPattern: number))
          if position.byte == UInt8(ascii: "}") && position[1] == UInt8(ascii: "}") {
            (value - 1).store(UInt8(truncatingIfNeeded: output - value))
            return (position + 2, output)
          }
        }
      }
    }
    return try message(start + 1, body, MessageKind.keyValue.rawValue, depth: depth)
  }
}
