// Other bytes for the same message: all that protobuf lets an encoder do, and none does.

package import OTLP

/// Rewrites valid, canonical protobuf into an unusual form that means the same.
///
/// Singular messages come in parts, fields in another order, scalars and oneof members after another value that does
/// not count, lists of numbers in pieces, packed or not, varints with more bytes than they need, and unknown fields
/// and groups everywhere.
package struct WireVariant {
  private var random: SplitMix

  package init(seed: UInt64) { random = SplitMix(seed: seed) }

  /// The same message in other bytes.
  package mutating func rewrite(_ bytes: [UInt8], _ kind: MessageKind) -> [UInt8] {
    var fields = WireMessage(bytes).fields.flatMap { rewrite($0, kind) }
    if chance(40) { shuffle(&fields, kind) }
    if chance(20) {
      fields.insert(unknown(), at: Int.random(in: 0...fields.count, using: &random))
    }
    return fields.flatMap { encode($0) }
  }

  private mutating func chance(_ percent: Int) -> Bool { Int.random(in: 0..<100, using: &random) < percent }

  // MARK: Fields

  /// One field as one or more that mean the same.
  private mutating func rewrite(_ wire: WireMessage.Field, _ kind: MessageKind) -> [WireMessage.Field] {
    guard let field = kind.fields.first(where: { Int($0.number) == wire.number }) else { return [wire] }
    var result: [WireMessage.Field] = []
    if field.occurrence == .oneof, chance(15) { result += loser(of: kind, against: field) }
    if let message = field.message, wire.type == 2 {
      let content = rewrite(wire.content, message)
      if field.occurrence != .repeated, chance(20) {
        let inner = WireMessage(content).fields
        let cut = Int.random(in: 0...inner.count, using: &random)
        result.append(.init(number: wire.number, content: inner[..<cut].flatMap(\.raw)))
        result.append(.init(number: wire.number, content: inner[cut...].flatMap(\.raw)))
      } else {
        result.append(.init(number: wire.number, content: content))
      }
    } else if field.occurrence == .repeated, field.type.packs, wire.type == 2 {
      result += numbers(wire, field)
    } else {
      if field.occurrence != .repeated, chance(10) { result.append(value(of: field)) }
      result.append(wire)
    }
    return result
  }

  /// A packed list in pieces, or unpacked, or both.
  private mutating func numbers(_ wire: WireMessage.Field, _ field: Field) -> [WireMessage.Field] {
    let elements = WireMessage.elements(of: wire.content, field.type)
    var result: [WireMessage.Field] = []
    var index = 0
    while index < elements.count {
      let count = chance(30) ? 1 : Int.random(in: 1...(elements.count - index), using: &random)
      let piece = elements[index..<index + count]
      if chance(40) {
        result += piece.map { .init(number: wire.number, type: field.type.wireType, content: $0) }
      } else {
        result.append(.init(number: wire.number, content: piece.flatMap { $0 }))
      }
      index += count
    }
    if result.isEmpty || chance(5) { result.append(.init(number: wire.number, content: [])) }
    return result
  }

  /// Another member of the oneof, which the later one clears.
  private mutating func loser(of kind: MessageKind, against winner: Field) -> [WireMessage.Field] {
    let others = kind.fields.filter { $0.occurrence == .oneof && $0.number != winner.number }
    guard let other = others.randomElement(using: &random) else { return [] }
    return [value(of: other)]
  }

  /// Some value of a field that may occur once; of a message, the empty one.
  private mutating func value(of field: Field) -> WireMessage.Field {
    let bits = random.next()
    let content: [UInt8] =
      switch field.type {
      case .string: [0x78]
      case .traceID: [UInt8](repeating: 7, count: 16)
      case .spanID: [UInt8](repeating: 7, count: 8)
      case .bytes, .message: []
      case .double, .fixed64, .sfixed64: Wire { $0.raw(fixed64: bits) }.bytes
      case .fixed32: [1, 2, 3, 4]
      default: Wire { $0.varint(bits) }.bytes
      }
    return .init(number: Int(field.number), type: field.type.wireType, content: content)
  }

  private mutating func unknown() -> WireMessage.Field {
    let number = [17, 100, 2_047, 2_048, 1 << 29 - 1].randomElement(using: &random) ?? 17
    switch Int.random(in: 0..<5, using: &random) {
    case 0: return .init(number: number, type: 0, content: [0xff, 0xff, 0x01])
    case 1: return .init(number: number, type: 1, content: [1, 2, 3, 4, 5, 6, 7, 8])
    case 2: return .init(number: number, type: 5, content: [1, 2, 3, 4])
    case 3: return .init(number: number, content: [0xff, 0xfe, 0x00])
    default:
      let inner = Wire { wire in
        wire.varint(3 << 3 | 3)
        wire.field(1, varint: 5)
        wire.varint(3 << 3 | 4)
        wire.field(1, text: "x")
      }
      return .init(number: number, type: 3, content: inner.bytes)
    }
  }

  // MARK: Order and length

  /// Mixes the fields; those of one number, and the members of a oneof, keep their order.
  private mutating func shuffle(_ fields: inout [WireMessage.Field], _ kind: MessageKind) {
    let members = Set(kind.fields.filter { $0.occurrence == .oneof }.map { Int($0.number) })
    let group = { (field: WireMessage.Field) in members.contains(field.number) ? 0 : field.number }
    var waiting = Dictionary(grouping: fields, by: group)
    var order = fields.map(group)
    order.shuffle(using: &random)
    for index in fields.indices { fields[index] = waiting[order[index]]!.removeFirst() }
  }

  private mutating func encode(_ field: WireMessage.Field) -> [UInt8] {
    let tag = UInt64(field.number) << 3
    var bytes = varint(tag | UInt64(field.type), most: 5)
    switch field.type {
    case 0: bytes += varint(WireMessage.varint(field.content), most: 10)
    case 2: bytes += varint(UInt64(field.content.count), most: 5) + field.content
    case 3: bytes += field.content + varint(tag | 4, most: 5)
    default: bytes += field.content
    }
    return bytes
  }

  /// A varint, sometimes longer than it needs to be, up to `most` bytes.
  private mutating func varint(_ value: UInt64, most: Int) -> [UInt8] {
    var bytes = Wire { $0.varint(value) }.bytes
    guard chance(10), bytes.count < most else { return bytes }
    let count = Int.random(in: (bytes.count + 1)...most, using: &random)
    bytes[bytes.count - 1] |= 0x80
    while bytes.count < count - 1 { bytes.append(0x80) }
    bytes.append(0)
    return bytes
  }
}
