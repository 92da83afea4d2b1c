// How one record is written in a segment file, and how it is told from damage.

// # Format (little-endian, at a multiple of 8 bytes)
//   0  u32  "OTLR"
//   4  u32  checksum of everything behind this field, continued from that of the journal's id
//   8  u32  bytes of payload, never 0xFFFFFFFF
//  12  u16  bytes of routes
//  14  u8   signal
//  15  u8   flags: 1 = the next record belongs to the same group
//  16  u64  sequence number
//  24  u32  sequence numbers before this one that were never written
//  28  u32  items in the payload
//  32  u64  when it was accepted, nanoseconds since 1970
//  40       routes: the sinks' ids, each a u16 of bytes and UTF-8; then the payload; then zeros to a multiple of 8
//
// The id in the checksum keeps a payload, which a client chose, from passing for a record when a damaged file is
// searched for the next one.

internal import Bytes
internal import Compression

/// What a record's frame says, with its place in the file.
struct Frame {
  static let headerBytes = 40
  static let alignment = 8
  static let magic: UInt32 = 0x524C_544F

  let offset: Int
  let payloadCount: Int
  let routesCount: Int
  let signal: UInt8
  /// Whether the next record belongs to the same all-or-nothing group.
  let groupGoesOn: Bool
  let sequence: UInt64
  let skipped: UInt32
  let itemCount: Int
  let acceptedUnixNano: UInt64

  var routesStart: Int { offset + Frame.headerBytes }
  var payloadStart: Int { routesStart + routesCount }
  var end: Int { offset + Frame.bytes(payload: payloadCount, routes: routesCount) }

  /// What a record takes in a file.
  static func bytes(payload: Int, routes: Int) -> Int {
    (headerBytes + routes + payload + alignment - 1) & ~(alignment - 1)
  }
}

/// Writes and checks the frames of one journal.
struct FrameCoder: Sendable {
  private let seed: UInt32
  private let relaxations: Relaxations

  init(id: JournalID, relaxations: Relaxations = []) {
    var bits = ByteBuffer(capacity: 8)
    bits.append(littleEndian: id.bits)
    seed = CRC32.checksum(of: bits.span)
    self.relaxations = relaxations
  }

  /// What is written of a record besides its payload.
  struct Header {
    var signal: UInt8
    var groupGoesOn: Bool
    var sequence: UInt64
    var skipped: UInt32
    var itemCount: Int
    var acceptedUnixNano: UInt64
  }

  func append(_ header: Header, routes: Bytes, payload: Bytes, to buffer: inout ByteBuffer) {
    let start = buffer.count
    buffer.reserve(Frame.bytes(payload: payload.count, routes: routes.count))
    buffer.append(littleEndian: Frame.magic)
    buffer.append(littleEndian: UInt32(0))
    buffer.append(littleEndian: UInt32(payload.count))
    buffer.append(littleEndian: UInt16(routes.count))
    buffer.append(header.signal)
    buffer.append(header.groupGoesOn ? 1 : 0)
    buffer.append(littleEndian: header.sequence)
    buffer.append(littleEndian: header.skipped)
    buffer.append(littleEndian: UInt32(clamping: header.itemCount))
    buffer.append(littleEndian: header.acceptedUnixNano)
    buffer.append(routes)
    buffer.append(payload)
    while (buffer.count - start) % Frame.alignment != 0 { buffer.append(0) }
    let checked = start + 8..<start + Frame.headerBytes + routes.count + payload.count
    buffer.replace(at: start + 4, with: CRC32.checksum(of: buffer.span.extracting(checked), seed: seed))
  }

  /// The record whose frame begins at `offset`; nil when there is no whole and undamaged one.
  func frame(at offset: Int, in bytes: Span<UInt8>) -> Frame? {
    guard offset >= 0, bytes.count - offset >= Frame.headerBytes,
      bytes.littleEndian(at: offset, as: UInt32.self) == Frame.magic
    else { return nil }
    let flags = bytes[offset + 15]
    let frame = Frame(
      offset: offset, payloadCount: Int(bytes.littleEndian(at: offset + 8, as: UInt32.self)),
      routesCount: Int(bytes.littleEndian(at: offset + 12, as: UInt16.self)), signal: bytes[offset + 14],
      groupGoesOn: flags & 1 != 0, sequence: bytes.littleEndian(at: offset + 16, as: UInt64.self),
      skipped: bytes.littleEndian(at: offset + 24, as: UInt32.self),
      itemCount: Int(bytes.littleEndian(at: offset + 28, as: UInt32.self)),
      acceptedUnixNano: bytes.littleEndian(at: offset + 32, as: UInt64.self))
    guard frame.end <= bytes.count, frame.sequence < JournalFormat.sequenceMax else { return nil }
    if relaxations.contains(.unchecked) { return frame }
    let checked = bytes.extracting(offset + 8..<frame.payloadStart + frame.payloadCount)
    let checksum = CRC32.checksum(of: checked, seed: seed)
    return checksum == bytes.littleEndian(at: offset + 4, as: UInt32.self) ? frame : nil
  }

  /// The sinks' ids as a record holds them, in at most 65 535 bytes: the configuration bounds their length and number.
  static func routes(_ sinks: [String]) -> Bytes {
    var buffer = ByteBuffer()
    for sink in sinks {
      let name = Bytes(sink)
      precondition(buffer.count + name.count + 2 <= Int(UInt16.max), "a record can name all its sinks")
      buffer.append(littleEndian: UInt16(name.count))
      buffer.append(name)
    }
    return buffer.finish()
  }

  static func sinks(_ routes: Span<UInt8>) -> [String] {
    var (sinks, offset): ([String], Int) = ([], 0)
    while routes.count - offset >= 2 {
      let count = Int(routes.littleEndian(at: offset, as: UInt16.self))
      guard routes.count - offset - 2 >= count else { break }
      sinks.append(Bytes(copying: routes.extracting(offset + 2..<offset + 2 + count)).text)
      offset += 2 + count
    }
    return sinks
  }
}
