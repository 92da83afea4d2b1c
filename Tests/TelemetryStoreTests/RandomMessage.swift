// Random valid requests in canonical protobuf, built from the schema tables, so that a new field is in them by itself.

import Bytes
import Fuzzing
import OTLP

/// Protobuf bytes under construction.
struct Wire {
  var bytes: [UInt8] = []

  mutating func varint(_ value: UInt64) {
    var rest = value
    while rest >= 0x80 {
      bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    bytes.append(UInt8(rest))
  }

  mutating func little(_ value: UInt64, _ size: Int) {
    for place in 0..<size { bytes.append(UInt8(truncatingIfNeeded: value >> UInt64(8 * place))) }
  }

  /// A number's wire bits without a tag.
  mutating func scalar(_ type: FieldType, _ bits: UInt64) {
    switch type.wireType {
    case 1: little(bits, 8)
    case 5: little(bits, 4)
    default: varint(bits)
    }
  }

  mutating func field(_ field: Field, bits: UInt64) {
    varint(UInt64(field.number) << 3 | UInt64(field.type.wireType))
    scalar(field.type, bits)
  }

  mutating func field(_ number: UInt8, content: [UInt8]) {
    varint(UInt64(number) << 3 | 2)
    varint(UInt64(content.count))
    bytes += content
  }
}

/// Writes random messages. A full one has every field it can have at once; a sparse one leaves out about half.
struct RandomMessage {
  var generator: SplitMix
  var isFull: Bool

  init(seed: UInt64, isFull: Bool) {
    generator = SplitMix(seed: seed)
    self.isFull = isFull
  }

  mutating func request(_ signal: Signal) throws -> ExportRequest {
    try ExportRequest(decoding: Bytes(message(.request(of: signal))), as: .protobuf, signal: signal)
  }

  mutating func message(_ kind: MessageKind, depth: Int = 0) -> [UInt8] {
    var wire = Wire()
    let fields = kind.fields.sorted { $0.number < $1.number }
    let members = fields.filter { $0.occurrence == .oneof }
    // A metric without data has no rows, so there is no choice about it.
    let member = (kind == .metric || keeps) ? members.randomElement(using: &generator)?.number : nil
    for field in fields {
      if field.occurrence == .oneof, field.number != member { continue }
      if field.occurrence != .oneof, !isStructure(field), !keeps { continue }
      if depth > 12, field.message == .anyValue || field.message == .arrayValue || field.message == .keyValueList {
        continue
      }
      append(field, to: &wire, depth)
    }
    return wire.bytes
  }

  /// Fields without which there would be no items.
  private func isStructure(_ field: Field) -> Bool {
    ["resourceSpans", "resourceMetrics", "resourceLogs", "scopeSpans", "scopeMetrics", "scopeLogs", "spans", "metrics"]
      .contains(field.name.description) || ["logRecords", "dataPoints", "key"].contains(field.name.description)
  }

  private var keeps: Bool {
    mutating get { isFull || Bool.random(using: &generator) }
  }

  private mutating func append(_ field: Field, to wire: inout Wire, _ depth: Int) {
    let count = field.occurrence == .repeated ? Int.random(in: 1...(depth > 8 ? 1 : 3), using: &generator) : 1
    if field.occurrence == .repeated, field.type.packs {
      var packed = Wire()
      for _ in 0..<count { packed.scalar(field.type, bits(field)) }
      wire.field(field.number, content: packed.bytes)
      return
    }
    for _ in 0..<count {
      switch field.type {
      case .message: wire.field(field.number, content: message(field.message ?? .anyValue, depth: depth + 1))
      case .string: wire.field(field.number, content: Array(text().utf8))
      case .traceID: wire.field(field.number, content: randomBytes(16))
      case .spanID: wire.field(field.number, content: randomBytes(8))
      case .bytes: wire.field(field.number, content: randomBytes(Int.random(in: 0...40, using: &generator)))
      default:
        let bits = bits(field)
        // proto3: a singular field that holds its default is not on the wire.
        if bits != 0 || field.occurrence != .singular { wire.field(field, bits: bits) }
      }
    }
  }

  private mutating func bits(_ field: Field) -> UInt64 {
    let random = generator.next() >> (generator.next() % 64)
    switch field.type {
    case .bool: return generator.next() & 1
    case .uint32, .sint32, .fixed32: return random & 0xffff_ffff
    case .enumeration:
      let numbers: [Int64] = [0, 1, 2, 3, 17, -3, Int64(Int32.min)]
      return UInt64(bitPattern: numbers.randomElement(using: &generator) ?? 0)
    case .double: return double().bitPattern
    default: return random
    }
  }

  private mutating func double() -> Double {
    let special = [0.0, 1, -1, 5, 0.1, 1e-7, 1e300, -2.5e-308, .nan, .infinity, -.infinity, .greatestFiniteMagnitude]
    return special.randomElement(using: &generator) ?? Double(generator.next())
  }

  private mutating func text() -> String {
    let words = [
      "GET /orders/{id}", "ünï", "☃😀", "a\nb\t\"q\" \\", "$bytes", "x\0y", "'); DROP TABLE spans; --", " ",
    ]
    return (words.randomElement(using: &generator) ?? "") + String(generator.next() % 1000)
  }

  private mutating func randomBytes(_ count: Int) -> [UInt8] {
    (0..<count).map { _ in UInt8(truncatingIfNeeded: generator.next()) }
  }
}
