// Random valid messages of any kind, the same ones from the same seed.

package import OTLP

/// Writes messages from the schema: fields in the order of their numbers, defaults left out, numbers packed.
///
/// That form is the one both JSON forms convert back to, so a round trip must give the same bytes.
package struct RandomMessages {
  package var generator: SplitMix

  package init(seed: UInt64) { generator = SplitMix(seed: seed) }

  static let texts = [
    "a", "http.route", "GET /orders/{id}", "$bytes", "$", "$$x", "quote \" and back\\slash", "\u{0}\u{1}\u{1f}\u{7f}",
    "tab\tline\nreturn\r\u{8}\u{c}", "é ☃ 😀 \u{10ffff} \u{ffff} \u{2028}", "{\"n\":1}", "null",
    String(repeating: "long ", count: 60), String(repeating: "ü", count: 64),
  ]
  static let integers: [UInt64] = [
    1, 2, 127, 128, 255, 16_383, 16_384, 1 << 31, 1 << 32, 1 << 53 + 1, UInt64(Int64.max), 1 << 63, .max,
    1_760_000_000_123_456_789,
  ]
  static let doubles: [Double] = [
    1, -1, 0.1, -0.0, 5, 1e300, -1e-300, .leastNonzeroMagnitude, .greatestFiniteMagnitude, .leastNormalMagnitude, 1e16,
    1e21, 1e22, 123_456_789_012_345_680, 0.1 + 0.2, 1e-7, .infinity, -.infinity, .nan, 9_007_199_254_740_992,
  ]

  mutating func chance(_ percent: UInt64) -> Bool { generator.next() % 100 < percent }

  mutating func text() -> String { RandomMessages.texts.randomElement(using: &generator)! }

  package mutating func data(_ count: Int) -> [UInt8] {
    (0..<count).map { _ in UInt8.random(in: 0...255, using: &generator) }
  }

  mutating func integer() -> UInt64 {
    chance(50) ? RandomMessages.integers.randomElement(using: &generator)! : max(generator.next(), 1)
  }

  mutating func double() -> Double {
    if chance(60) { return RandomMessages.doubles.randomElement(using: &generator)! }
    let value = Double(bitPattern: generator.next())
    return value.isNaN || value == 0 ? 0.5 : value
  }

  /// A message of `kind`; deep ones stop growing.
  package mutating func message(_ kind: MessageKind, depth: Int = 0) -> Wire {
    var wire = Wire()
    let fields = kind.fields.sorted { $0.number < $1.number }
    let members = fields.filter { $0.occurrence == .oneof && (depth < 14 || $0.type != .message) }
    let member = chance(85) ? members.randomElement(using: &generator)?.number : nil
    for field in fields {
      switch field.occurrence {
      case .oneof: if field.number == member { append(field, to: &wire, depth) }
      case .repeated: appendRepeated(field, to: &wire, depth)
      case .optional: if chance(60) { append(field, to: &wire, depth, mayBeDefault: true) }
      case .singular: if chance(70) { append(field, to: &wire, depth) }
      }
    }
    return wire
  }

  private mutating func append(
    _ field: Field, to wire: inout Wire, _ depth: Int, mayBeDefault: Bool = false
  ) {
    let number = Int(field.number)
    let mayBeDefault = mayBeDefault || field.occurrence == .oneof
    switch field.type {
    case .string: wire.field(number, text: mayBeDefault && chance(20) ? "" : text())
    case .bytes: wire.field(number, bytes: data(Int(generator.next() % 9)))
    case .traceID: wire.field(number, bytes: data(16))
    case .spanID: wire.field(number, bytes: data(8))
    case .message: wire.field(number, bytes: message(field.message!, depth: depth + 1).bytes)
    case .double: wire.field(number, double: mayBeDefault && chance(20) ? 0 : double())
    case .fixed64, .sfixed64: wire.field(number, fixed64: mayBeDefault && chance(20) ? 0 : integer())
    case .fixed32: wire.field(number, fixed32: UInt32(truncatingIfNeeded: integer()) | 1)
    case .int64, .uint64: wire.field(number, varint: mayBeDefault && chance(20) ? 0 : integer())
    case .uint32, .sint32: wire.field(number, varint: UInt64(UInt32(truncatingIfNeeded: integer()) | 1))
    case .bool: wire.field(number, varint: mayBeDefault ? generator.next() % 2 : 1)
    case .enumeration:
      wire.field(number, int: Int64(Int32(truncatingIfNeeded: Int64(bitPattern: integer()))) | 1)
    }
  }

  private mutating func appendRepeated(_ field: Field, to wire: inout Wire, _ depth: Int) {
    let number = Int(field.number)
    let count = chance(30) ? 0 : Int(generator.next() % (depth > 6 ? 2 : 3)) + (depth < 3 ? 1 : 0)
    if field.type.packs {
      guard count > 0 else { return }
      wire.field(number) { packed in
        for _ in 0..<count {
          switch field.type {
          case .double: packed.raw(fixed64: chance(20) ? 0 : double().bitPattern)
          case .fixed64: packed.raw(fixed64: chance(20) ? 0 : integer())
          default: packed.varint(integer())
          }
        }
      }
      return
    }
    for _ in 0..<count {
      if field.type == .string {
        wire.field(number, text: chance(20) ? "" : text())
      } else {
        wire.field(number, bytes: message(field.message!, depth: depth + 1).bytes)
      }
    }
  }
}
