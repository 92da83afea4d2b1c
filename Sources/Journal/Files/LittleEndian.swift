// Numbers in files, least significant byte first.

internal import Bytes

extension ByteBuffer {
  mutating func append(littleEndian value: some FixedWidthInteger & UnsignedInteger) {
    for shift in stride(from: 0, to: value.bitWidth, by: 8) { append(UInt8(truncatingIfNeeded: value >> shift)) }
  }

  /// Overwrites the four bytes at `index`.
  mutating func replace(at index: Int, with value: UInt32) {
    for byte in 0..<4 { replace(at: index + byte, with: UInt8(truncatingIfNeeded: value >> (8 * byte))) }
  }
}

extension Span<UInt8> {
  /// The number at `offset`, which must lie inside with all its bytes.
  func littleEndian<Number: FixedWidthInteger & UnsignedInteger>(at offset: Int, as type: Number.Type) -> Number {
    var value: Number = 0
    for index in 0..<Number.bitWidth / 8 { value |= Number(self[offset + index]) << (8 * index) }
    return value
  }
}
