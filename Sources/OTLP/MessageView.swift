// One message's bytes with the place of each known field: what every view is built on.

/// A message whose fields were located once; reading one is a jump, not a search.
struct MessageView: ~Escapable {
  let bytes: Span<UInt8>
  private let index: MessageIndex

  @_lifetime(copy bytes)
  init(_ bytes: Span<UInt8>, _ kind: MessageKind) {
    self.bytes = bytes
    index = MessageIndex(bytes.range, kind.rawValue)
  }

  func has(_ number: Int) -> Bool { index.has(number) }

  /// Where the value of a field that occurs once begins; nil when it is absent.
  @inline(__always)
  private func value(_ number: Int) -> InputPosition? {
    index.has(number) ? bytes.range.start + index.offset(number) : nil
  }

  /// The content of a length-delimited field; empty when it is absent.
  @_lifetime(copy self)
  func content(_ number: Int) -> Span<UInt8> {
    let range = bytes.range
    guard let value = value(number) else { return bytes.extracting(0..<0) }
    return bytes.extracting(value.content(until: range.end), of: range)
  }

  @_lifetime(copy self)
  func text(_ number: Int) -> TextView { TextView(content(number)) }

  @_lifetime(copy self)
  func data(_ number: Int) -> BytesView { BytesView(content(number)) }

  func varint(_ number: Int) -> UInt64 { value(number)?.varint.value ?? 0 }

  func fixed64(_ number: Int) -> UInt64 { value(number)?.word() ?? 0 }

  func fixed32(_ number: Int) -> UInt32 { value(number)?.halfWord() ?? 0 }

  func uint32(_ number: Int) -> UInt32 { UInt32(truncatingIfNeeded: varint(number)) }

  /// An open enum's number (proto3 "Enumerations": unknown numbers pass through).
  func enumeration(_ number: Int) -> Int32 { Int32(truncatingIfNeeded: varint(number)) }

  func double(_ number: Int) -> Double { Double(bitPattern: fixed64(number)) }

  /// A double whose absence differs from 0.
  func optionalDouble(_ number: Int) -> Double? { has(number) ? double(number) : nil }

  /// A number in zigzag form, 32 bits.
  func sint32(_ number: Int) -> Int32 { Int32(zigzag: varint(number)) }

  /// Where the first occurrence of a repeated field begins, or the end.
  private func start(_ number: Int) -> Int { has(number) ? index.offset(number) : bytes.count }

  /// The elements of a repeated field of messages.
  @_lifetime(copy self)
  func messages(_ number: Int, _ kind: MessageKind) -> MessagesView {
    MessagesView(bytes, number: number, kind: kind, from: start(number))
  }

  @_lifetime(copy self)
  func attributes(_ number: Int) -> AttributesView { AttributesView(bytes, number: number, from: start(number)) }

  /// The elements of a repeated field of numbers.
  @_lifetime(copy self)
  func numbers(_ number: Int, _ type: FieldType) -> NumbersView {
    NumbersView(bytes, number: number, type: type, from: start(number))
  }
}

extension Int32 {
  /// protobuf "Signed Integers": 0, -1, 1, -2 … are written as 0, 1, 2, 3 …
  init(zigzag value: UInt64) {
    let bits = UInt32(truncatingIfNeeded: value)
    self = Int32(bitPattern: (bits >> 1) ^ (0 &- (bits & 1)))
  }
}
