// Builds protobuf messages field by field, so that tests say exactly what is on the wire.

import Bytes
import OTLP

/// A protobuf message under construction.
struct Wire {
  private(set) var bytes: [UInt8] = []

  init(_ build: (inout Wire) -> Void = { _ in }) { build(&self) }

  init(bytes: [UInt8]) { self.bytes = bytes }

  mutating func varint(_ value: UInt64) {
    var rest = value
    while rest >= 0x80 {
      bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    bytes.append(UInt8(rest))
  }

  mutating func field(_ number: Int, varint value: UInt64) {
    varint(UInt64(number) << 3)
    varint(value)
  }

  mutating func field(_ number: Int, int value: Int64) { field(number, varint: UInt64(bitPattern: value)) }

  mutating func field(_ number: Int, fixed64 value: UInt64) {
    varint(UInt64(number) << 3 | 1)
    raw(fixed64: value)
  }

  mutating func field(_ number: Int, double value: Double) { field(number, fixed64: value.bitPattern) }

  mutating func field(_ number: Int, fixed32 value: UInt32) {
    varint(UInt64(number) << 3 | 5)
    for place in 0..<4 { bytes.append(UInt8(truncatingIfNeeded: value >> UInt32(8 * place))) }
  }

  mutating func field(_ number: Int, bytes content: [UInt8]) {
    varint(UInt64(number) << 3 | 2)
    varint(UInt64(content.count))
    bytes += content
  }

  mutating func field(_ number: Int, text: String) { field(number, bytes: Array(text.utf8)) }

  mutating func field(_ number: Int, _ build: (inout Wire) -> Void) { field(number, bytes: Wire(build).bytes) }

  mutating func raw(fixed64 value: UInt64) {
    for place in 0..<8 { bytes.append(UInt8(truncatingIfNeeded: value >> UInt64(8 * place))) }
  }

  /// A KeyValue in field `number`.
  mutating func pair(_ number: Int, _ key: String, _ value: (inout Wire) -> Void) {
    field(number) { pair in
      pair.field(1, text: key)
      pair.field(2, value)
    }
  }

  mutating func pair(_ number: Int, _ key: String, _ text: String) { pair(number, key) { $0.field(1, text: text) } }
}

extension ExportRequest {
  /// A request with one resource, one scope and the given items.
  static func fixture(
    _ signal: Signal, resource: ((inout Wire) -> Void)? = nil, scope: ((inout Wire) -> Void)? = nil,
    items: (inout Wire) -> Void
  ) throws -> ExportRequest {
    let wire = Wire { request in
      request.field(1) { envelope in
        if let resource { envelope.field(1, resource) }
        envelope.field(2) { envelope in
          if let scope { envelope.field(1, scope) }
          items(&envelope)
        }
      }
    }
    return try ExportRequest(decoding: Bytes(wire.bytes), as: .protobuf, signal: signal)
  }

  /// The request in OTLP's JSON encoding.
  var json: String {
    var buffer = ByteBuffer()
    appendJSON(to: &buffer)
    return buffer.finish().text
  }
}

/// What `body` appends, as text.
func appended(_ body: (inout ByteBuffer) -> Void) -> String {
  var buffer = ByteBuffer()
  body(&buffer)
  return buffer.finish().text
}

/// SplitMix64: the same numbers from the same seed, so that a failure can be repeated.
struct SeededGenerator: RandomNumberGenerator {
  var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var value = state
    value = (value ^ (value >> 30)) &* 0xbf58_476d_1ce4_e5b9
    value = (value ^ (value >> 27)) &* 0x94d0_49bb_1331_11eb
    return value ^ (value >> 31)
  }
}
