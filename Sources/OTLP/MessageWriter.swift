// Writes protobuf fields behind one another: for replies and for what is read back from flat JSON.

internal import Bytes

/// A protobuf message under construction.
struct MessageWriter: ~Copyable {
  private(set) var buffer: ByteBuffer

  /// - Parameter capacity: bytes to make room for.
  init(capacity: Int = 0) { buffer = ByteBuffer(capacity: capacity) }

  var span: Span<UInt8> { @_lifetime(borrow self) get { buffer.span } }

  consuming func finish() -> Bytes { buffer.finish() }

  mutating func append(varint value: UInt64) {
    var rest = value
    while rest >= 0x80 {
      buffer.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    buffer.append(UInt8(rest))
  }

  /// The bytes that `append(varint:)` appends.
  static func varintBytes(_ value: UInt64) -> Int { max(1, (70 - value.leadingZeroBitCount) / 7) }

  /// Appends fields that are encoded already.
  mutating func append(encoded fields: Span<UInt8>) { buffer.append(fields) }

  /// Appends `size` little-endian bytes.
  mutating func append(fixed value: UInt64, size: Int) {
    for index in 0..<size { buffer.append(UInt8(truncatingIfNeeded: value >> UInt64(8 * index))) }
  }

  mutating func append(tag number: Int, wireType: UInt8) { append(varint: UInt64(number) << 3 | UInt64(wireType)) }

  mutating func append(field number: Int, varint value: UInt64) {
    append(tag: number, wireType: 0)
    append(varint: value)
  }

  /// Appends a string, bytes, a message or packed numbers.
  mutating func append(field number: Int, content: Span<UInt8>) {
    append(tag: number, wireType: 2)
    append(varint: UInt64(content.count))
    buffer.append(content)
  }

  mutating func append(field number: Int, content: Bytes) { append(field: number, content: content.span) }

  /// Appends a number given as its wire bits, in the wire type of `type` and without a tag.
  mutating func append(bits: UInt64, of type: FieldType) {
    switch type.wireType {
    case 0: append(varint: bits)
    case 1: append(fixed: bits, size: 8)
    default: append(fixed: bits, size: 4)
    }
  }
}
