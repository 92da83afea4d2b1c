// Protobuf to JSON: one interpreter over the schema's tables writes any OTLP message from its wire bytes.

internal import Bytes

/// Writes messages as JSON objects in one of two forms; no object model, one scan per message.
///
/// Fields follow in the order of their numbers. Unknown fields are left out; so are fields without presence that hold
/// their default. Oneof members, `optional` fields and messages that occur are written even when they are empty, so
/// that JSON, turned into wire bytes and back, stays the same. Recursion ends with the request's nesting limit (I4).
struct JSONWriter: Sendable {
  /// The two ways to write the same data.
  enum Form: Sendable {
    /// OTLP "JSON Protobuf Encoding".
    case otlp
    /// Names in snake_case, integers bare, attributes as objects: see `FlatJSON`.
    case flat
  }

  /// What the writer needs of one field.
  private struct Entry: Sendable {
    /// The name as it is written, with quotes and colon.
    let key: [UInt8]
    let type: FieldType
    let occurrence: Occurrence
    let message: MessageKind
  }

  let form: Form
  /// By kind and field number.
  private let entries: [Entry?]

  static let otlp = JSONWriter(.otlp)
  static let flat = JSONWriter(.flat)

  private init(_ form: Form) {
    var entries = [Entry?](repeating: nil, count: MessageKind.allCases.count * 17)
    for kind in MessageKind.allCases {
      for field in kind.fields {
        let name = form == .flat ? field.name.description.snakeCased : field.name.description
        entries[Int(kind.rawValue) * 17 + Int(field.number)] = Entry(
          key: Array("\"\(name)\":".utf8), type: field.type, occurrence: field.occurrence,
          message: field.message ?? .anyValue)
      }
    }
    self.form = form
    self.entries = entries
  }

  /// Appends the message as an object.
  func append(_ bytes: Span<UInt8>, _ kind: MessageKind, to buffer: inout ByteBuffer) {
    // Half of all messages are these two, and their views are quicker than the tables.
    if kind == .keyValue { return append(pair: KeyValueView(bytes), to: &buffer) }
    if kind == .anyValue { return append(value: AnyValueView(bytes, isPresent: true), to: &buffer) }
    let message = MessageView(bytes, kind)
    buffer.append(UInt8(ascii: "{"))
    var rest = message.present
    var isFirst = true
    while rest != 0 {
      let number = rest.trailingZeroBitCount
      rest &= rest &- 1
      guard let entry = entries[Int(kind.rawValue) * 17 + number], isWritten(entry, number, message) else { continue }
      if !isFirst { buffer.append(UInt8(ascii: ",")) }
      isFirst = false
      buffer.append(entry.key.span)
      append(entry, number, of: message, to: &buffer)
    }
    buffer.append(UInt8(ascii: "}"))
  }

  private func append(pair: borrowing KeyValueView, to buffer: inout ByteBuffer) {
    buffer.append(UInt8(ascii: "{"))
    if !pair.key.isEmpty {
      buffer.append("\"key\":" as StaticString)
      buffer.append(jsonText: pair.key.span)
    }
    if pair.value.isPresent {
      buffer.append(pair.key.isEmpty ? "\"value\":" as StaticString : ",\"value\":")
      append(value: pair.value, to: &buffer)
    }
    buffer.append(UInt8(ascii: "}"))
  }

  private func append(value: borrowing AnyValueView, to buffer: inout ByteBuffer) {
    switch value.kind {
    case .empty: buffer.append(UInt8(ascii: "{"))
    case .string(let text):
      buffer.append("{\"stringValue\":" as StaticString)
      buffer.append(jsonText: text.span)
    case .bool(let value): buffer.append(value ? "{\"boolValue\":true" as StaticString : "{\"boolValue\":false")
    case .int(let value):
      buffer.append("{\"intValue\":\"" as StaticString)
      buffer.append(integer: value)
      buffer.append(UInt8(ascii: "\""))
    case .double(let value):
      buffer.append("{\"doubleValue\":" as StaticString)
      append(double: value, to: &buffer)
    case .array(let array):
      buffer.append("{\"arrayValue\":" as StaticString)
      append(array.bytes, .arrayValue, to: &buffer)
    case .keyValueList(let list):
      buffer.append("{\"kvlistValue\":" as StaticString)
      append(list.bytes, .keyValueList, to: &buffer)
    case .bytes(let data):
      buffer.append("{\"bytesValue\":" as StaticString)
      append(data: data.span, isID: false, to: &buffer)
    }
    buffer.append(UInt8(ascii: "}"))
  }

  /// Whether a field that occurs says anything: proto3 leaves out defaults without presence.
  private func isWritten(_ entry: Entry, _ number: Int, _ message: borrowing MessageView) -> Bool {
    switch entry.occurrence {
    case .optional, .oneof: return true
    case .repeated: return !entry.type.packs || !message.numbers(number, entry.type).isEmpty
    case .singular: break
    }
    switch entry.type {
    case .message: return true
    case .string, .bytes, .traceID, .spanID: return !message.content(number).isEmpty
    case .fixed64, .sfixed64, .double: return message.fixed64(number) != 0
    case .fixed32: return message.fixed32(number) != 0
    case .bool, .int64, .uint64: return message.varint(number) != 0
    case .uint32, .sint32, .enumeration: return message.uint32(number) != 0
    }
  }

  private func append(
    _ entry: Entry, _ number: Int, of message: borrowing MessageView, to buffer: inout ByteBuffer
  ) {
    switch (entry.occurrence, entry.type) {
    case (.repeated, .message) where form == .flat && entry.message == .keyValue:
      append(flat: message.attributes(number), to: &buffer)
    case (.repeated, .message):
      append(message.messages(number, entry.message), to: &buffer)
    case (.repeated, .string):
      append(texts: message.messages(number, .anyValue), to: &buffer)
    case (.repeated, _):
      append(message.numbers(number, entry.type), to: &buffer)
    case (_, .message) where form == .flat && entry.message == .anyValue:
      append(flat: AnyValueView(message.content(number), isPresent: true), to: &buffer)
    case (_, .message):
      append(message.content(number), entry.message, to: &buffer)
    case (_, .string):
      buffer.append(jsonText: message.content(number))
    case (_, .traceID), (_, .spanID), (_, .bytes):
      append(data: message.content(number), isID: entry.type != .bytes, to: &buffer)
    case (_, .fixed64), (_, .sfixed64), (_, .double):
      append(bits: message.fixed64(number), entry.type, to: &buffer)
    case (_, .fixed32):
      append(bits: UInt64(message.fixed32(number)), entry.type, to: &buffer)
    case (_, .bool), (_, .uint32), (_, .sint32), (_, .int64), (_, .uint64), (_, .enumeration):
      append(bits: message.varint(number), entry.type, to: &buffer)
    }
  }

  // MARK: Repeated fields

  /// Appends the messages as an array of objects.
  func append(_ messages: borrowing MessagesView, to buffer: inout ByteBuffer) {
    buffer.append(UInt8(ascii: "["))
    var isFirst = true
    let kind = messages.kind
    messages.forEach { bytes in
      if !isFirst { buffer.append(UInt8(ascii: ",")) }
      isFirst = false
      append(bytes, kind, to: &buffer)
    }
    buffer.append(UInt8(ascii: "]"))
  }

  private func append(texts: borrowing MessagesView, to buffer: inout ByteBuffer) {
    buffer.append(UInt8(ascii: "["))
    var isFirst = true
    texts.forEach { text in
      if !isFirst { buffer.append(UInt8(ascii: ",")) }
      isFirst = false
      buffer.append(jsonText: text)
    }
    buffer.append(UInt8(ascii: "]"))
  }

  /// Appends the numbers as an array.
  func append(_ numbers: borrowing NumbersView, to buffer: inout ByteBuffer) {
    buffer.append(UInt8(ascii: "["))
    var isFirst = true
    let type = numbers.type
    numbers.forEachUInt64 { bits in
      if !isFirst { buffer.append(UInt8(ascii: ",")) }
      isFirst = false
      append(bits: bits, type, to: &buffer)
    }
    buffer.append(UInt8(ascii: "]"))
  }

  // MARK: Scalars

  private func append(data: Span<UInt8>, isID: Bool, to buffer: inout ByteBuffer) {
    buffer.append(UInt8(ascii: "\""))
    // OTLP "JSON Protobuf Encoding": ids are hex; other bytes are base64 as in the proto3 mapping.
    if isID { buffer.append(hex: data) } else { buffer.append(base64: data) }
    buffer.append(UInt8(ascii: "\""))
  }

  /// Appends a number given as its wire bits: a varint's value, or the bytes of a fixed field.
  private func append(bits: UInt64, _ type: FieldType, to buffer: inout ByteBuffer) {
    switch type {
    case .bool: buffer.append(bits != 0 ? "true" as StaticString : "false")
    case .uint32, .fixed32: buffer.append(integer: UInt64(UInt32(truncatingIfNeeded: bits)))
    case .sint32: buffer.append(integer: Int64(Int32(zigzag: bits)))
    case .enumeration: buffer.append(integer: Int64(Int32(truncatingIfNeeded: bits)))
    case .double: append(double: Double(bitPattern: bits), to: &buffer)
    case .int64, .sfixed64, .uint64, .fixed64:
      // proto3 "JSON Mapping": 64-bit integers are strings.
      if form == .otlp { buffer.append(UInt8(ascii: "\"")) }
      if type == .int64 || type == .sfixed64 {
        buffer.append(integer: Int64(bitPattern: bits))
      } else {
        buffer.append(integer: bits)
      }
      if form == .otlp { buffer.append(UInt8(ascii: "\"")) }
    case .string, .traceID, .spanID, .bytes, .message: preconditionFailure("only numbers have bits")
    }
  }

  /// proto3 "JSON Mapping": what no JSON number can be is a string.
  func append(double value: Double, to buffer: inout ByteBuffer) {
    if value.isFinite {
      buffer.append(finite: value)
      return
    }
    if form == .flat { buffer.append("{\"$double\":" as StaticString) }
    buffer.append(value.isNaN ? "\"NaN\"" as StaticString : value > 0 ? "\"Infinity\"" : "\"-Infinity\"")
    if form == .flat { buffer.append(UInt8(ascii: "}")) }
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
