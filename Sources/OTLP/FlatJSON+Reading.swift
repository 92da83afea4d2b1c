// Flat JSON back to protobuf: the proof that the store's columns lose nothing, and the way out of the store.

package import Bytes

extension FlatJSON {
  /// The pairs of an object as KeyValue messages in field `number`, so that a record or a KeyValueList can hold them.
  ///
  /// - Throws: `DecodeError` when the text is not flat JSON, for example because somebody edited the store.
  package static func attributes(from json: Bytes, asField number: Int = 1) throws(DecodeError) -> Bytes {
    var writer = MessageWriter()
    try read(json) { (reader) throws(DecodeError) in try reader.readPairs(into: &writer, number, depth: 0) }
    return writer.finish()
  }

  /// One value as an AnyValue message; `null` gives an empty one.
  package static func value(from json: Bytes) throws(DecodeError) -> Bytes {
    var writer = MessageWriter()
    try read(json) { (reader) throws(DecodeError) in try reader.readValue(into: &writer, depth: 0) }
    return writer.finish()
  }

  /// One object as a message.
  package static func message(from json: Bytes, _ kind: MessageKind) throws(DecodeError) -> Bytes {
    var writer = MessageWriter()
    try read(json) { (reader) throws(DecodeError) in try reader.readMessage(into: &writer, kind, depth: 0) }
    return writer.finish()
  }

  /// An array of objects as messages in field `number`.
  package static func messages(
    from json: Bytes, _ kind: MessageKind, asField number: Int
  ) throws(DecodeError) -> Bytes {
    var writer = MessageWriter()
    try read(json) { (reader) throws(DecodeError) in
      try reader.readMessages(into: &writer, kind, number, depth: 0)
    }
    return writer.finish()
  }

  /// An array of numbers as packed field `number`; no bytes when it is empty.
  package static func numbers(
    from json: Bytes, _ type: FieldType, asField number: Int
  ) throws(DecodeError) -> Bytes {
    precondition(type.packs && type != .bool, "only numbers are packed")
    var writer = MessageWriter()
    try read(json) { (reader) throws(DecodeError) in try reader.readNumbers(into: &writer, type, number) }
    return writer.finish()
  }

  private static func read(
    _ json: Bytes, _ body: (inout JSONScanner) throws(DecodeError) -> Void
  ) throws(DecodeError) {
    do { _ = try UTF8Span(validating: json.span) } catch {
      throw DecodeError(path: "", problem: "expected UTF-8", byte: 0)
    }
    var scanner = JSONScanner(json)
    try body(&scanner)
    try scanner.expectEnd()
  }
}

extension JSONScanner {
  fileprivate mutating func readPairs(
    into writer: inout MessageWriter, _ number: Int, depth: Int
  ) throws(DecodeError) {
    try readObject { (scanner, key) throws(DecodeError) in
      var pair = MessageWriter()
      let isEscaped = key.span.isPrefixed(by: "$")
      guard !isEscaped || key.span.isPrefixed(by: "$$") else { throw scanner.failure("expected no key with one '$'") }
      let name = key.slice((isEscaped ? 1 : 0)..<key.count)
      if !name.isEmpty { pair.append(field: 1, content: name.span) }
      if try !scanner.skipAbsent() {
        var value = MessageWriter()
        try scanner.readValue(into: &value, depth: depth + 1)
        pair.append(field: 2, content: value.span)
      }
      writer.append(field: number, content: pair.span)
    }
  }

  fileprivate mutating func readValue(into writer: inout MessageWriter, depth: Int) throws(DecodeError) {
    guard depth < 100 else { throw failure("expected at most 100 levels") }
    switch peek() {
    case UInt8(ascii: "\""): writer.append(field: 1, content: try readString())
    case UInt8(ascii: "t") where skip("true" as StaticString): writer.append(field: 2, varint: 1)
    case UInt8(ascii: "f") where skip("false" as StaticString): writer.append(field: 2, varint: 0)
    case UInt8(ascii: "n") where skip("null" as StaticString): break
    case UInt8(ascii: "["):
      var array = MessageWriter()
      try readElements(into: &array, depth: depth)
      writer.append(field: 5, content: array.span)
    case UInt8(ascii: "{"): try readObjectValue(into: &writer, depth: depth)
    default:
      let letters = try readNumber()
      if let value = Int64(letters) {
        writer.append(field: 3, varint: UInt64(bitPattern: value))
      } else if letters.utf8.contains(where: { $0 == UInt8(ascii: ".") || $0 | 0x20 == UInt8(ascii: "e") }) {
        writer.append(tag: 4, wireType: 1)
        writer.append(fixed: try double(letters).bitPattern, size: 8)
      } else {
        throw failure("expected an integer of 64 bits")
      }
    }
  }

  private mutating func readElements(into writer: inout MessageWriter, depth: Int) throws(DecodeError) {
    try readArray { (scanner) throws(DecodeError) in
      var element = MessageWriter()
      try scanner.readValue(into: &element, depth: depth + 1)
      writer.append(field: 1, content: element.span)
    }
  }

  private mutating func readObjectValue(into writer: inout MessageWriter, depth: Int) throws(DecodeError) {
    switch try readMarker() {
    case .bytes(let data): writer.append(field: 7, content: data.span)
    case .double(let value):
      writer.append(tag: 4, wireType: 1)
      writer.append(fixed: value.bitPattern, size: 8)
    case .absent: throw failure("expected a value; only an attribute can be absent")
    case nil:
      var list = MessageWriter()
      try readPairs(into: &list, 1, depth: depth)
      writer.append(field: 6, content: list.span)
    }
  }

  /// An object that stands for a value JSON does not have.
  private enum Marker: Equatable {
    case bytes(Bytes)
    case double(Double)
    case absent
  }

  /// Reads an object whose first key is a marker; nil, and nothing is read, when there is none.
  private mutating func readMarker() throws(DecodeError) -> Marker? {
    var probe = self
    guard probe.skip(UInt8(ascii: "{")), probe.peek() == UInt8(ascii: "\"") else { return nil }
    let key = try probe.readString()
    guard key.span.isPrefixed(by: "$"), !key.span.isPrefixed(by: "$$") else { return nil }
    try probe.expect(UInt8(ascii: ":"))
    let marker: Marker
    if key.span.isEqual(to: "$bytes") {
      guard let data = try probe.readString().decodedBase64 else { throw probe.failure("expected base64") }
      marker = .bytes(data)
    } else if key.span.isEqual(to: "$double") {
      marker = .double(try probe.readSpecialDouble())
    } else if key.span.isEqual(to: "$absent"), probe.skip("null" as StaticString) {
      marker = .absent
    } else {
      throw probe.failure("expected $bytes, $double or $absent")
    }
    try probe.expect(UInt8(ascii: "}"))
    self = probe
    return marker
  }

  /// Steps over the marker of a key without a value, if it is next.
  private mutating func skipAbsent() throws(DecodeError) -> Bool {
    var probe = self
    guard try probe.readMarker() == .absent else { return false }
    self = probe
    return true
  }

  private mutating func readSpecialDouble() throws(DecodeError) -> Double {
    let name = try readString()
    if name.span.isEqual(to: "NaN") { return .nan }
    if name.span.isEqual(to: "Infinity") { return .infinity }
    if name.span.isEqual(to: "-Infinity") { return -.infinity }
    throw failure("expected NaN, Infinity or -Infinity")
  }

  private func double(_ letters: String) throws(DecodeError) -> Double {
    guard let value = Double(letters) else { throw failure("expected a number") }
    return value
  }

  // MARK: Messages

  fileprivate mutating func readMessages(
    into writer: inout MessageWriter, _ kind: MessageKind, _ number: Int, depth: Int
  ) throws(DecodeError) {
    try readArray { (scanner) throws(DecodeError) in
      var message = MessageWriter()
      try scanner.readMessage(into: &message, kind, depth: depth + 1)
      writer.append(field: number, content: message.span)
    }
  }

  fileprivate mutating func readMessage(
    into writer: inout MessageWriter, _ kind: MessageKind, depth: Int
  ) throws(DecodeError) {
    guard depth < 100 else { throw failure("expected at most 100 levels") }
    let fields = kind.fields
    try readObject { (scanner, key) throws(DecodeError) in
      let name = key.text
      guard let field = fields.first(where: { $0.name.description.snakeCased == name }) else {
        throw scanner.failure("expected a field of the message")
      }
      try scanner.readField(field, into: &writer, depth: depth)
    }
  }

  private mutating func readField(
    _ field: Field, into writer: inout MessageWriter, depth: Int
  ) throws(DecodeError) {
    let number = Int(field.number)
    switch (field.occurrence, field.type) {
    case (.repeated, .message) where field.message == .keyValue:
      try readPairs(into: &writer, number, depth: depth + 1)
    case (.repeated, .message):
      try readMessages(into: &writer, field.message ?? .anyValue, number, depth: depth)
    case (.repeated, .string):
      try readArray { (scanner) throws(DecodeError) in
        writer.append(field: number, content: try scanner.readString())
      }
    case (.repeated, _):
      try readNumbers(into: &writer, field.type, number)
    case (_, .message):
      var message = MessageWriter()
      if field.message == .anyValue {
        try readValue(into: &message, depth: depth + 1)
      } else {
        try readMessage(into: &message, field.message ?? .anyValue, depth: depth + 1)
      }
      writer.append(field: number, content: message.span)
    case (_, .string):
      writer.append(field: number, content: try readString())
    case (_, .traceID), (_, .spanID):
      guard let id = try readString().decodedHex else { throw failure("expected hex") }
      writer.append(field: number, content: id.span)
    case (_, .bytes):
      guard let data = try readString().decodedBase64 else { throw failure("expected base64") }
      writer.append(field: number, content: data.span)
    default:
      writer.append(tag: number, wireType: field.type.wireType)
      writer.append(bits: try readBits(field.type), of: field.type)
    }
  }

  fileprivate mutating func readNumbers(
    into writer: inout MessageWriter, _ type: FieldType, _ number: Int
  ) throws(DecodeError) {
    var packed = MessageWriter()
    try readArray { (scanner) throws(DecodeError) in packed.append(bits: try scanner.readBits(type), of: type) }
    if packed.span.count > 0 { writer.append(field: number, content: packed.span) }
  }

  /// A number as its wire bits.
  private mutating func readBits(_ type: FieldType) throws(DecodeError) -> UInt64 {
    if type == .bool {
      if skip("true" as StaticString) { return 1 }
      guard skip("false" as StaticString) else { throw failure("expected true or false") }
      return 0
    }
    if type == .double {
      if case .double(let value) = try readMarker() { return value.bitPattern }
      return try double(try readNumber()).bitPattern
    }
    let letters = try readNumber()
    let bits: UInt64? =
      switch type {
      case .uint32, .fixed32: UInt32(letters).map(UInt64.init)
      case .uint64, .fixed64: UInt64(letters)
      case .sint32: Int32(letters).map { UInt64(UInt32(bitPattern: $0 << 1 ^ $0 >> 31)) }
      case .enumeration: Int32(letters).map { UInt64(bitPattern: Int64($0)) }
      default: Int64(letters).map(UInt64.init(bitPattern:))
      }
    guard let bits else { throw failure("expected an integer in the field's range") }
    return bits
  }
}

extension Span<UInt8> {
  fileprivate func isPrefixed(by text: StaticString) -> Bool {
    count >= text.utf8CodeUnitCount && extracting(first: text.utf8CodeUnitCount).isEqual(to: text)
  }
}

extension Bytes {
  /// The bytes that hex digits in either case stand for.
  fileprivate var decodedHex: Bytes? {
    guard count.isMultiple(of: 2) else { return nil }
    var buffer = ByteBuffer(capacity: count / 2)
    for index in stride(from: 0, to: count, by: 2) {
      guard let high = self[index].hexDigit, let low = self[index + 1].hexDigit else { return nil }
      buffer.append(high << 4 | low)
    }
    return buffer.finish()
  }

  /// The bytes that padded base64 in the standard alphabet stands for (RFC 4648 section 4).
  package var decodedBase64: Bytes? {
    guard count.isMultiple(of: 4) else { return nil }
    var buffer = ByteBuffer(capacity: count / 4 * 3)
    var group: UInt32 = 0
    var padding = 0
    for index in 0..<count {
      var digit: UInt32 = 0
      if self[index] == UInt8(ascii: "="), index >= count - 2 {
        padding += 1
      } else {
        guard padding == 0, let value = self[index].base64Digit else { return nil }
        digit = UInt32(value)
      }
      group = group << 6 | digit
      guard index % 4 == 3 else { continue }
      for place in 0..<(3 - padding) { buffer.append(UInt8(truncatingIfNeeded: group >> UInt32(16 - 8 * place))) }
      group = 0
    }
    return buffer.finish()
  }
}

extension UInt8 {
  fileprivate var base64Digit: UInt8? {
    switch self {
    case UInt8(ascii: "A")...UInt8(ascii: "Z"): self - UInt8(ascii: "A")
    case UInt8(ascii: "a")...UInt8(ascii: "z"): self - UInt8(ascii: "a") + 26
    case UInt8(ascii: "0")...UInt8(ascii: "9"): self - UInt8(ascii: "0") + 52
    case UInt8(ascii: "+"): 62
    case UInt8(ascii: "/"): 63
    default: nil
    }
  }
}

extension FlatJSON {
  /// Lends attributes, events and links from their columns as those of one span.
  package static func withSpan(
    attributes: Bytes?, events: Bytes? = nil, links: Bytes? = nil, _ body: (SpanView) -> Void
  ) throws(DecodeError) {
    var message = ByteBuffer()
    if let attributes { message.append(try FlatJSON.attributes(from: attributes, asField: 9)) }
    if let events { message.append(try messages(from: events, .spanEvent, asField: 11)) }
    if let links { message.append(try messages(from: links, .spanLink, asField: 13)) }
    let bytes = message.finish()
    body(SpanView(bytes.span))
  }
}
