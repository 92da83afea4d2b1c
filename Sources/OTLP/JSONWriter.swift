// Protobuf to JSON: one interpreter over the schema's tables writes any OTLP message from its wire bytes.

internal import Bytes

/// Writes messages as JSON objects in one of two forms; no object model, one scan per message.
///
/// Fields follow in the order of their numbers. Unknown fields are left out; so are fields without presence that hold
/// their default. Oneof members, `optional` fields and messages that occur are written even when they are empty, so
/// that JSON, turned into wire bytes and back, stays the same. Recursion ends with the request's nesting limit (I4).
///
/// Every member and element is written with a comma in front; closing an object or array overwrites the first of them
/// with the opening bracket.
struct JSONWriter: Sendable {
  /// The two ways to write the same data.
  enum Form: Sendable {
    /// OTLP "JSON Protobuf Encoding".
    case otlp
    /// Names in snake_case, integers bare, attributes as objects: see `FlatJSON`.
    case flat
  }

  /// What the writer needs of one field.
  struct Row: Sendable {
    /// Comma, name and colon, and the quote that opens the value if it is written as a string.
    let key: JSONLetters
    let type: FieldType
    let isRepeated: Bool
    /// Whether the field is written even when it holds its default.
    let hasPresence: Bool
    /// Whether its numbers stand in quotes.
    let isQuoted: Bool
    /// The raw value of the nested message's kind.
    let message: UInt8
  }

  let form: Form
  private let table = WireTable.shared
  /// By kind and field number.
  private let rows: [Row]
  let letters = Letters()

  /// What is written around values.
  struct Letters: Sendable {
    let nothing = JSONLetters("")
    let comma = JSONLetters(",")
    let text = JSONLetters("\"")
    let nextText = JSONLetters(",\"")
    let nextEscapedText = JSONLetters(",\"$")
    let key = JSONLetters(",\"key\":\"")
    let value = JSONLetters(",\"value\":")
    let textValue = JSONLetters("{\"stringValue\":\"")
    let valueWithText = JSONLetters("\",\"value\":{\"stringValue\":\"")
    let valueWithInt = JSONLetters("\",\"value\":{\"intValue\":\"")
    let flatBytes = JSONLetters("{\"$bytes\":\"")
  }

  static let otlp = JSONWriter(.otlp)
  static let flat = JSONWriter(.flat)

  private init(_ form: Form) {
    let unknown = Row(Field("", 0, .bool), form)
    var rows = [Row](repeating: unknown, count: MessageKind.allCases.count * MessageIndex.numbers)
    for kind in MessageKind.allCases {
      for field in kind.fields {
        rows[Int(kind.rawValue) * MessageIndex.numbers + Int(field.number)] = Row(field, form)
      }
    }
    self.form = form
    self.rows = rows
  }

  /// Appends a message as an object.
  func append(_ message: InputRange, _ kind: UInt8, to buffer: inout ByteBuffer) {
    let index = MessageIndex(message, kind, table)
    let start = buffer.count
    var rest = index.present
    while rest != 0 {
      let number = rest.trailingZeroBitCount
      rest &= rest &- 1
      let field = InputRange(message.start + index.offset(number), until: message.end)
      append(field, number, row: Int(kind) &* MessageIndex.numbers &+ number, to: &buffer)
    }
    buffer.close(from: start, UInt8(ascii: "{"), UInt8(ascii: "}"))
  }

  /// Appends a field that occurs, with its name; `field` begins behind the tag, or at the first tag of a repeated one.
  private func append(_ field: InputRange, _ number: Int, row index: Int, to buffer: inout ByteBuffer) {
    let row = rows[index]
    if row.isRepeated {
      let start = buffer.count
      buffer.write(upTo: JSONLetters.countMax) { row.key.write(to: $0) }
      switch row.type {
      case .message: append(messages: field, number, row.message, to: &buffer)
      case .string: append(texts: field, number, to: &buffer)
      default: if !append(numbers: field, number, row.type, to: &buffer) { buffer.truncate(to: start) }
      }
      return
    }
    switch row.type {
    case .message:
      let content = field.start.content(until: field.end)
      buffer.write(upTo: JSONLetters.countMax) { row.key.write(to: $0) }
      if row.message != MessageKind.anyValue.rawValue {
        append(content, row.message, to: &buffer)
      } else if form == .flat {
        append(flat: content, to: &buffer)
      } else {
        append(value: content, to: &buffer)
      }
    case .string, .traceID, .spanID, .bytes:
      let content = field.start.content(until: field.end)
      guard row.hasPresence || !content.isEmpty else { return }
      switch row.type {
      case .string: buffer.append(text: content, behind: row.key)
      // OTLP "JSON Protobuf Encoding": ids are hex; other bytes are base64 as in the proto3 mapping.
      case .bytes: buffer.append(base64: content, behind: row.key)
      default:
        buffer.write(upTo: JSONLetters.countMax + 2 * content.count + 1) { output in
          let end = row.key.write(to: output).hex(content)
          end.store(UInt8(ascii: "\""))
          return end + 1
        }
      }
    case .fixed64, .sfixed64, .double: append(unlessDefault: field.start.word(), row, to: &buffer)
    case .fixed32: append(unlessDefault: UInt64(field.start.halfWord()), row, to: &buffer)
    case .bool, .int64, .uint64: append(unlessDefault: field.start.varint.value, row, to: &buffer)
    case .uint32, .sint32, .enumeration:
      append(unlessDefault: UInt64(UInt32(truncatingIfNeeded: field.start.varint.value)), row, to: &buffer)
    }
  }

  @inline(__always)
  private func append(unlessDefault bits: UInt64, _ row: Row, to buffer: inout ByteBuffer) {
    guard row.hasPresence || bits != 0 else { return }
    append(number: bits, row.type, isQuoted: row.isQuoted, behind: row.key, to: &buffer)
  }

  /// Appends letters, which end with a quote for a number in quotes, and a number given as its wire bits: a varint's
  /// value, or the bytes of a fixed field.
  @inline(__always)
  func append(
    number bits: UInt64, _ type: FieldType, isQuoted: Bool, behind letters: JSONLetters, to buffer: inout ByteBuffer
  ) {
    if type == .double { return append(double: Double(bitPattern: bits), behind: letters, to: &buffer) }
    buffer.write(upTo: JSONLetters.countMax + 21) { output in
      let output = letters.write(to: output)
      let end =
        switch type {
        case .bool: output.boolean(bits != 0)
        case .sint32: output.decimal(Int64(Int32(zigzag: bits)))
        case .enumeration: output.decimal(Int64(Int32(truncatingIfNeeded: bits)))
        case .int64, .sfixed64: output.decimal(Int64(bitPattern: bits))
        default: output.decimal(bits)
        }
      end.store(UInt8(ascii: "\""))
      return isQuoted ? end + 1 : end
    }
  }

  /// proto3 "JSON Mapping": what no JSON number can be is a string.
  func append(double value: Double, behind letters: JSONLetters, to buffer: inout ByteBuffer) {
    buffer.write(upTo: JSONLetters.countMax + 25) { output in
      let output = letters.write(to: output)
      return value.isFinite ? output.decimal(finite: value) : output
    }
    if value.isFinite { return }
    let name = value.isNaN ? "\"NaN\"" as StaticString : value > 0 ? "\"Infinity\"" : "\"-Infinity\""
    if form == .otlp { return buffer.append(name) }
    buffer.append("{\"$double\":" as StaticString)
    buffer.append(name)
    buffer.append(UInt8(ascii: "}"))
  }

  // MARK: Attributes

  private func append(pair: KeyValueParts, to buffer: inout ByteBuffer) {
    if append(plainPair: pair, to: &buffer) { return }
    let start = buffer.count
    if !pair.key.isEmpty { buffer.append(text: pair.key, behind: letters.key) }
    if pair.hasValue {
      buffer.write(upTo: JSONLetters.countMax) { letters.value.write(to: $0) }
      append(value: pair.value, to: &buffer)
    }
    buffer.close(from: start, UInt8(ascii: "{"), UInt8(ascii: "}"))
  }

  /// Appends a pair of a key and a short string or an integer, nothing of which needs an escape, in one go.
  ///
  /// Nearly all attributes are such pairs. Returns false, and nothing is appended, for another one.
  @inline(__always)
  private func append(plainPair pair: KeyValueParts, to buffer: inout ByteBuffer) -> Bool {
    let start = buffer.count
    buffer.write(upTo: 2 * JSONLetters.countMax + pair.key.count + max(pair.value.count, 20) + 3) { output in
      let key = letters.key.write(to: output)
      guard !pair.key.isEmpty, pair.key.copyPlainText(to: key) == pair.key.count else { return output }
      let member = AnyValueMember(pair.value)
      let end: OutputPosition
      switch member.number {
      case 1:
        let text = member.position.content(until: pair.value.end)
        let value = letters.valueWithText.write(to: key + pair.key.count)
        guard text.copyPlainText(to: value) == text.count else { return output }
        end = value + text.count
      case 3:
        let value = letters.valueWithInt.write(to: key + pair.key.count)
        end = value.decimal(Int64(bitPattern: member.position.varint.value))
      default: return output
      }
      output.store(UInt8(ascii: "{"))
      end.store(0x007d_7d22 as UInt32)  // "}}
      return end + 3
    }
    return buffer.count > start
  }

  private func append(value: InputRange, to buffer: inout ByteBuffer) {
    let member = AnyValueMember(value)
    guard member.number == 1 else { return append(value, MessageKind.anyValue.rawValue, to: &buffer) }
    buffer.append(text: member.position.content(until: value.end), behind: letters.textValue)
    buffer.append(UInt8(ascii: "}"))
  }

  // MARK: Repeated fields

  /// Appends the messages of a field as an array; flat attributes as an object.
  func append(messages field: InputRange, _ number: Int, _ kind: UInt8, to buffer: inout ByteBuffer) {
    let start = buffer.count
    var contents = FieldContents(number: number, in: field)
    if kind == MessageKind.keyValue.rawValue {
      if form == .flat {
        while let pair = contents.next() { append(flatPair: KeyValueParts(pair), to: &buffer) }
        return buffer.close(from: start, UInt8(ascii: "{"), UInt8(ascii: "}"))
      }
      while let pair = contents.next() {
        buffer.append(UInt8(ascii: ","))
        append(pair: KeyValueParts(pair), to: &buffer)
      }
    } else {
      while let message = contents.next() {
        buffer.append(UInt8(ascii: ","))
        if kind == MessageKind.anyValue.rawValue {
          append(value: message, to: &buffer)
        } else {
          append(message, kind, to: &buffer)
        }
      }
    }
    buffer.close(from: start, UInt8(ascii: "["), UInt8(ascii: "]"))
  }

  private func append(texts field: InputRange, _ number: Int, to buffer: inout ByteBuffer) {
    let start = buffer.count
    var contents = FieldContents(number: number, in: field)
    while let text = contents.next() { buffer.append(text: text, behind: letters.nextText) }
    buffer.close(from: start, UInt8(ascii: "["), UInt8(ascii: "]"))
  }

  /// Appends the numbers of a field as an array; returns false, and appends `[]`, when there are none.
  @discardableResult
  func append(numbers field: InputRange, _ number: Int, _ type: FieldType, to buffer: inout ByteBuffer) -> Bool {
    let start = buffer.count
    let isQuoted = form == .otlp && type.isQuotedInJSON
    let separator = isQuoted ? letters.nextText : letters.comma
    var elements = FieldNumbers(number: number, type, in: field)
    while let bits = elements.next() {
      append(number: bits, type, isQuoted: isQuoted, behind: separator, to: &buffer)
    }
    let isWritten = buffer.count > start
    buffer.close(from: start, UInt8(ascii: "["), UInt8(ascii: "]"))
    return isWritten
  }
}

extension JSONWriter.Row {
  fileprivate init(_ field: Field, _ form: JSONWriter.Form) {
    let name = form == .flat ? field.name.description.snakeCased : field.name.description
    type = field.type
    isRepeated = field.occurrence == .repeated
    hasPresence = field.occurrence == .optional || field.occurrence == .oneof
    isQuoted = !isRepeated && form == .otlp && field.type.isQuotedInJSON
    message = field.message?.rawValue ?? 0
    let isText = !isRepeated && [.string, .bytes, .traceID, .spanID].contains(field.type)
    key = JSONLetters(",\"\(name)\":" + (isQuoted || isText ? "\"" : ""))
  }
}

extension FieldType {
  /// proto3 "JSON Mapping": 64-bit integers are strings.
  fileprivate var isQuotedInJSON: Bool {
    switch self {
    case .int64, .uint64, .fixed64, .sfixed64: true
    default: false
    }
  }
}

extension OutputPosition {
  @inline(__always)
  fileprivate func boolean(_ value: Bool) -> OutputPosition {
    store(value ? 0x6575_7274 : 0x736c_6166 as UInt32)  // true, fals
    (self + 4).store(UInt8(ascii: "e"))
    return self + (value ? 4 : 5)
  }
}

extension String {
  /// `droppedAttributesCount` as `dropped_attributes_count`; the name as it is in the .proto file.
  var snakeCased: String {
    var name = ""
    for character in self {
      if character.isUppercase { name += "_" + character.lowercased() } else { name.append(character) }
    }
    return name
  }
}
