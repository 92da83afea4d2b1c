// One message's bytes with the place of each known field, found in one scan: what every view is built on.

/// What the scan needs to know of each field: one byte per message kind and field number.
///
/// A known number with a wire type that is not accepted is an unknown field (design: never interpreted).
enum WireShape {
  /// The bit of a repeated field; bits 0 to 5 are the accepted wire types.
  static let repeated: UInt8 = 1 << 6
  /// Field numbers per kind; no field number of OTLP is above 16.
  static let stride = 17

  static let flags: [UInt8] = {
    var flags = [UInt8](repeating: 0, count: MessageKind.allCases.count * stride)
    for kind in MessageKind.allCases {
      for field in kind.fields {
        var flag = UInt8(1) << field.type.wireType
        if field.occurrence == .repeated {
          flag |= repeated
          // protobuf "Packed repeated fields": parsers accept both forms.
          if field.type.packs { flag |= 1 << 2 }
        }
        flags[Int(kind.rawValue) * stride + Int(field.number)] = flag
      }
    }
    return flags
  }()
}

/// A message whose fields were located once; reading one is a jump, not a search.
///
/// A request is canonical: a singular field and a oneof occur at most once (I5). A repeated field is visited from its
/// first occurrence.
struct MessageView: ~Escapable {
  let bytes: Span<UInt8>
  /// Tag offsets by field number; of a repeated field the first.
  var offsets = InlineArray<17, UInt32>(repeating: 0)
  /// One bit per known field that occurs.
  var present: UInt32 = 0

  @_lifetime(copy bytes)
  init(_ bytes: Span<UInt8>, _ kind: MessageKind) {
    self.bytes = bytes
    let flags = WireShape.flags
    let base = Int(kind.rawValue) * WireShape.stride
    var reader = WireReader(bytes)
    while true {
      let offset = reader.offset
      guard let field = reader.next() else { break }
      guard field.number < WireShape.stride else { continue }
      let flag = flags[base + field.number]
      let bit = UInt32(1) << UInt32(field.number)
      guard flag >> field.wireType & 1 != 0 else { continue }
      if flag & WireShape.repeated != 0, present & bit != 0 { continue }
      present |= bit
      offsets[field.number] = UInt32(offset)
    }
  }

  func has(_ number: Int) -> Bool { present & (1 << UInt32(number)) != 0 }

  func field(_ number: Int) -> WireField? {
    guard has(number) else { return nil }
    var reader = WireReader(bytes, from: Int(offsets[number]))
    return reader.next()
  }

  /// The content of a length-delimited field; empty when it is absent.
  @_lifetime(copy self)
  func content(_ number: Int) -> Span<UInt8> {
    guard let field = field(number) else { return bytes.extracting(0..<0) }
    return bytes.extracting(field.start..<field.end)
  }

  @_lifetime(copy self)
  func text(_ number: Int) -> TextView { TextView(content(number)) }

  @_lifetime(copy self)
  func data(_ number: Int) -> BytesView { BytesView(content(number)) }

  func varint(_ number: Int) -> UInt64 {
    guard let field = field(number) else { return 0 }
    return bytes.varint(at: field.start)
  }

  func fixed64(_ number: Int) -> UInt64 {
    guard let field = field(number) else { return 0 }
    return bytes.fixed64(at: field.start)
  }

  func fixed32(_ number: Int) -> UInt32 {
    guard let field = field(number) else { return 0 }
    return bytes.fixed32(at: field.start)
  }

  func uint32(_ number: Int) -> UInt32 { UInt32(truncatingIfNeeded: varint(number)) }

  /// An open enum's number (proto3 "Enumerations": unknown numbers pass through).
  func enumeration(_ number: Int) -> Int32 { Int32(truncatingIfNeeded: varint(number)) }

  func double(_ number: Int) -> Double { Double(bitPattern: fixed64(number)) }

  /// A double whose absence differs from 0.
  func optionalDouble(_ number: Int) -> Double? { has(number) ? double(number) : nil }

  /// A number in zigzag form, 32 bits.
  func sint32(_ number: Int) -> Int32 { Int32(zigzag: varint(number)) }

  /// The elements of a repeated field of messages.
  @_lifetime(copy self)
  func messages(_ number: Int, _ kind: MessageKind) -> MessagesView {
    MessagesView(bytes, number: number, kind: kind, from: has(number) ? Int(offsets[number]) : bytes.count)
  }

  @_lifetime(copy self)
  func attributes(_ number: Int) -> AttributesView {
    AttributesView(bytes, number: number, from: has(number) ? Int(offsets[number]) : bytes.count)
  }

  /// The elements of a repeated field of numbers.
  @_lifetime(copy self)
  func numbers(_ number: Int, _ type: FieldType) -> NumbersView {
    NumbersView(bytes, number: number, type: type, from: has(number) ? Int(offsets[number]) : bytes.count)
  }
}

extension Int32 {
  /// protobuf "Signed Integers": 0, -1, 1, -2 … are written as 0, 1, 2, 3 …
  init(zigzag value: UInt64) {
    let bits = UInt32(truncatingIfNeeded: value)
    self = Int32(bitPattern: (bits >> 1) ^ (0 &- (bits & 1)))
  }
}
