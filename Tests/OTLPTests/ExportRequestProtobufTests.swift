// Protobuf is proved, counted, and kept as it came.

import Bytes
import OTLP
import Testing

@Suite("ExportRequest from protobuf")
struct ExportRequestProtobufTests {
  @Test("No bytes are an empty request of any signal", arguments: Signal.allCases)
  func empty(signal: Signal) throws {
    let request = try decode([], signal)
    #expect(request.payload.isEmpty && request.itemCount == 0 && request.rejected == nil)
  }

  @Test("Spans, log records and data points are counted")
  func itemCount() throws {
    let three = [Encoded.message(2), Encoded.message(2, Encoded.text(5, "a")), Encoded.message(2)].flatMap { $0 }
    let envelope = Encoded.message(1, Encoded.message(2, three), Encoded.message(2, Encoded.message(2)))
    #expect(try decode(envelope + Encoded.message(1), .traces).itemCount == 4)
    #expect(try decode(envelope.replacingName, .logs).itemCount == 4)
    for number: UInt64 in [5, 7, 9, 10, 11] {
      let metric = Encoded.message(number, Encoded.message(1), Encoded.message(1))
      #expect(try decode(Encoded.request(metric: metric), .metrics).itemCount == 2)
    }
    #expect(try decode(Encoded.request(metric: Encoded.text(1, "name only")), .metrics).itemCount == 0)
  }

  @Test(
    "What protobuf allows is accepted and kept byte for byte",
    arguments: [
      ("a padded length", Encoded.tag(5, 2) + Encoded.varint(1, width: 5) + [0x61]),
      ("a padded tag", Encoded.varint(5 << 3 | 2, width: 5) + [1, 0x61]),
      ("a padded varint", Encoded.tag(6, 0) + Encoded.varint(2, width: 10)),
      ("a negative enum in ten bytes", Encoded.signed(6, -1)),
      ("an unknown enum number", Encoded.number(6, 99)),
      ("an unknown varint", Encoded.number(500, .max)),
      ("unknown eight bytes", Encoded.fixed64(500, 1)),
      ("unknown four bytes", Encoded.fixed32(500, 1)),
      ("unknown bytes that are no message", Encoded.bytes(500, [0xff, 0xff, 0xff])),
      ("the largest field number", Encoded.number(536_870_911, 1)),
      ("a number between the known ones", Encoded.bytes(17, [0xff])),
      ("a text as a varint", Encoded.number(5, 1)),
      ("a text as eight bytes", Encoded.fixed64(5, 1)),
      ("a number as bytes that are no UTF-8", Encoded.bytes(6, [0xff])),
      ("an attribute as four bytes", Encoded.fixed32(9, 1)),
      ("an id as a varint", Encoded.number(1, 5)),
      ("empty ids", Encoded.bytes(1, []) + Encoded.bytes(2, []) + Encoded.bytes(4, [])),
      (
        "all-zero ids",
        Encoded.bytes(1, [UInt8](repeating: 0, count: 16)) + Encoded.bytes(2, [UInt8](repeating: 0, count: 8))
      ),
      (
        "fields in any order",
        Encoded.text(5, "a") + Encoded.text(3, "s") + Encoded.fixed64(8, 1) + Encoded.fixed64(7, 0)
      ),
      ("text beyond ASCII", Encoded.text(5, "é€😀\u{0}\u{10ffff}12345678é")),
    ] as [(String, [UInt8])])
  func kept(what: String, fields: [UInt8]) throws {
    let bytes = Encoded.request(span: fields)
    let request = try decode(bytes)
    #expect(request.payload.array == bytes, "\(what)")
    #expect(request.itemCount == 1 && request.rejected == nil)
    // The same inside a larger buffer: the neighbours do not matter.
    let inside = Bytes([0x0a, 0xff] + bytes + [0xff, 0xff, 0x80, 0x80])
    let sliced = try ExportRequest(
      decoding: inside.slice(2..<(2 + bytes.count)), as: .protobuf, signal: .traces)
    #expect(sliced.payload.array == bytes, "\(what)")
  }

  @Test("Lists of numbers may be packed or not")
  func packed() throws {
    let packed = Encoded.bytes(6, Encoded.eight(1) + Encoded.eight(2)) + Encoded.bytes(7, Encoded.eight(3))
    let unpacked = Encoded.fixed64(6, 1) + Encoded.fixed64(6, 2) + Encoded.fixed64(7, 3)
    for fields in [packed, unpacked, packed + unpacked, Encoded.bytes(6, [])] {
      let bytes = Encoded.request(metric: Encoded.message(9, Encoded.message(1, fields)))
      #expect(try decode(bytes, .metrics).payload.array == bytes)
    }
    for list in [Encoded.bytes(2, [1, 0x80, 1]), Encoded.number(2, 5) + Encoded.bytes(2, [])] {
      let point = Encoded.message(10, Encoded.message(1, Encoded.message(8, list)))
      #expect(try decode(Encoded.request(metric: point), .metrics).itemCount == 1)
    }
  }

  @Test(
    "What protobuf does not allow is refused",
    arguments: [
      ("field number 0", [0x00, 0x00]), ("field number 0 with bytes", [0x02, 0x00]), ("wire type 6", [0x2e, 0x00]),
      ("wire type 7", [0x2f, 0x00]), ("an unknown wire type 6", Encoded.varint(500 << 3 | 6)),
      ("a varint of 11 bytes", Encoded.tag(6, 0) + Encoded.varint(1, width: 11)),
      ("an unknown varint of 11 bytes", Encoded.tag(500, 0) + Encoded.varint(1, width: 11)),
      ("a tag of 6 bytes", Encoded.varint(5 << 3 | 2, width: 6) + [0]),
      ("a field number of 2^29", Encoded.varint(536_870_912 << 3)),
      ("a length of 6 bytes", Encoded.tag(5, 2) + Encoded.varint(0, width: 6)),
      ("a length of 2^64 - 1", Encoded.tag(5, 2) + Encoded.varint(.max)),
      ("a length of 2^63", Encoded.tag(5, 2) + Encoded.varint(1 << 63)),
      ("a length of 2^35 - 1", Encoded.tag(5, 2) + Encoded.varint(1 << 35 - 1)),
      ("a length of 2^31", Encoded.tag(9, 2) + Encoded.varint(1 << 31)),
      ("an unknown length of 2^64 - 1", Encoded.tag(500, 2) + Encoded.varint(.max)),
      ("text that is not UTF-8", Encoded.bytes(5, [0xff])), ("a surrogate", Encoded.bytes(5, [0xed, 0xa0, 0x80])),
      ("an overlong scalar", Encoded.bytes(5, [0xc0, 0x80])), ("a cut scalar", Encoded.bytes(5, [0x61, 0xe2, 0x82])),
      ("a scalar beyond U+10FFFF", Encoded.bytes(5, [0xf4, 0x90, 0x80, 0x80])),
      ("a bad byte behind eight good ones", Encoded.bytes(5, Array("12345678".utf8) + [0x80])),
      ("an end of no group", Encoded.tag(5, 4)), ("a group without an end", Encoded.tag(500, 3)),
      ("a group with another's end", Encoded.tag(500, 3) + Encoded.tag(501, 4)),
      ("a group with a bad field", Encoded.group(500, [0x00])),
      ("a group with wire type 7", Encoded.group(500, [0x0f])),
      ("a group that outlives its message", Encoded.tag(500, 3) + Encoded.number(1, 1)),
      ("a key that is not UTF-8", Encoded.message(9, Encoded.bytes(1, [0x80]))),
      ("a cut attribute", Encoded.bytes(9, [0x0a, 0x05, 0x61])),
    ] as [(String, [UInt8])])
  func refused(what: String, fields: [UInt8]) {
    #expect(throws: DecodeError.self, "\(what)") { try decode(Encoded.request(span: fields)) }
    // Readable neighbours do not complete what is cut.
    let bytes = Encoded.request(span: fields)
    let inside = Bytes(bytes + [UInt8](repeating: 0x01, count: 100)).slice(0..<bytes.count)
    #expect(throws: DecodeError.self, "\(what)") { try ExportRequest(decoding: inside, as: .protobuf, signal: .traces) }
  }

  @Test("Packed lists that do not come out even are refused")
  func refusedPacked() {
    for list in [Encoded.bytes(6, [0]), Encoded.bytes(7, Encoded.eight(1) + [0])] {
      let bytes = Encoded.request(metric: Encoded.message(9, Encoded.message(1, list)))
      #expect(throws: DecodeError.self) { try decode(bytes, .metrics) }
    }
    for list in [Encoded.bytes(2, [0x80]), Encoded.bytes(2, Encoded.varint(1, width: 11))] {
      let bytes = Encoded.request(metric: Encoded.message(10, Encoded.message(1, Encoded.message(8, list))))
      #expect(throws: DecodeError.self) { try decode(bytes, .metrics) }
    }
  }

  @Test("A request cut inside a field is refused, and one cut between fields is a shorter one")
  func cuts() throws {
    let fields = Encoded.request(span: Encoded.text(5, "name"), Encoded.fixed64(7, 1), Encoded.fixed32(16, 2))
    let bytes = fields + Encoded.number(500, 300) + Encoded.fixed64(501, 1) + Encoded.fixed32(502, 1)
    let boundaries: Set<Int> = [0, fields.count, fields.count + 4, fields.count + 14, bytes.count]
    for count in 0...bytes.count {
      let cut = Array(bytes[..<count])
      if boundaries.contains(count) {
        #expect(try decode(cut).payload.array == cut)
      } else {
        #expect(throws: DecodeError.self, "\(count)") { try decode(cut) }
      }
    }
  }

  /// A log record whose body has this many messages in all, the request included.
  private func nested(_ count: Int) -> [UInt8] {
    var value: [UInt8] = []
    // Request, ResourceLogs, ScopeLogs, LogRecord and AnyValue are five; then come ArrayValue and AnyValue in turns.
    var isArray = (count - 5) % 2 == 1
    for _ in 0..<(count - 5) {
      value = isArray ? Encoded.bytes(5, value) : Encoded.bytes(1, value)
      isArray.toggle()
    }
    return Encoded.request(value: value)
  }

  @Test("A hundred messages inside one another are accepted, one more is not")
  func depth() throws {
    for count in [5, 6, 50, 99, 100] { #expect(try decode(nested(count), .logs).itemCount == 1, "\(count)") }
    #expect(throws: DecodeError.self) { try decode(nested(101), .logs) }
    #expect(throws: DecodeError.self) { try decode(nested(102), .logs) }
    let groups = [UInt8](repeating: 0x0b, count: 99) + [UInt8](repeating: 0x0c, count: 99)
    #expect(try decode(groups).payload.isEmpty)
    #expect(throws: DecodeError.self) { try decode([0x0b] + groups + [0x0c]) }
  }

  @Test("Nesting without end does no harm")
  func endless() {
    var value: [UInt8] = []
    var depth = 0
    // Lengths grow, so build from the inside in one buffer that is reversed at the end.
    while depth < 400_000 {
      value.append(contentsOf: Encoded.varint(UInt64(value.count)).reversed())
      value.append(depth % 2 == 0 ? 0x2a : 0x0a)
      depth += 1
    }
    value.reverse()
    #expect(throws: DecodeError.self) { try decode(Encoded.request(value: value), .logs) }
    #expect(throws: DecodeError.self) { try decode([UInt8](repeating: 0x0b, count: 1_000_000)) }
    #expect(throws: DecodeError.self) {
      try decode([UInt8](repeating: 0x0b, count: 400_000) + [UInt8](repeating: 0x0c, count: 400_000))
    }
  }
}

extension [UInt8] {
  /// The same request without the fields numbered 5, which is a text in spans and a message in log records.
  fileprivate var replacingName: [UInt8] {
    var copy = self
    for index in copy.indices.dropLast(2) where copy[index...].starts(with: [0x2a, 0x01, 0x61]) { copy[index] = 0x1a }
    return copy
  }
}
