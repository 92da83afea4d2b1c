// Builds protobuf messages field by field, so that tests say exactly what is on the wire.

/// A protobuf message under construction.
package struct Wire {
  package private(set) var bytes: [UInt8] = []

  package init(_ build: (inout Wire) -> Void = { _ in }) { build(&self) }

  package init(bytes: [UInt8]) { self.bytes = bytes }

  package mutating func varint(_ value: UInt64) {
    var rest = value
    while rest >= 0x80 {
      bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    bytes.append(UInt8(rest))
  }

  package mutating func field(_ number: Int, varint value: UInt64) {
    varint(UInt64(number) << 3)
    varint(value)
  }

  package mutating func field(_ number: Int, int value: Int64) { field(number, varint: UInt64(bitPattern: value)) }

  package mutating func field(_ number: Int, fixed64 value: UInt64) {
    varint(UInt64(number) << 3 | 1)
    raw(fixed64: value)
  }

  package mutating func field(_ number: Int, double value: Double) { field(number, fixed64: value.bitPattern) }

  package mutating func field(_ number: Int, fixed32 value: UInt32) {
    varint(UInt64(number) << 3 | 5)
    for place in 0..<4 { bytes.append(UInt8(truncatingIfNeeded: value >> UInt32(8 * place))) }
  }

  package mutating func field(_ number: Int, bytes content: [UInt8]) {
    varint(UInt64(number) << 3 | 2)
    varint(UInt64(content.count))
    bytes += content
  }

  package mutating func field(_ number: Int, text: String) { field(number, bytes: Array(text.utf8)) }

  package mutating func field(_ number: Int, _ build: (inout Wire) -> Void) { field(number, bytes: Wire(build).bytes) }

  package mutating func raw(fixed64 value: UInt64) {
    for place in 0..<8 { bytes.append(UInt8(truncatingIfNeeded: value >> UInt64(8 * place))) }
  }

  /// A KeyValue in field `number`.
  package mutating func pair(_ number: Int, _ key: String, _ value: (inout Wire) -> Void) {
    field(number) { pair in
      pair.field(1, text: key)
      pair.field(2, value)
    }
  }

  package mutating func pair(_ number: Int, _ key: String, _ text: String) {
    pair(number, key) { $0.field(1, text: text) }
  }
}
