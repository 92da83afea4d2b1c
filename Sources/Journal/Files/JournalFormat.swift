// The journal directory's names, its version, and the header of a segment file.

internal import Bytes
internal import Compression

/// What a journal directory holds:
///
///     LOCK                        the process id of the owner
///     00000000000000a1.segment    records in sequence order, named after the first
///     cursors                     how far each sink has come
///     *.quarantine                damaged bytes, kept for people
///     cursors.tmp                 the next cursors: empty, with room set aside, or not finished
enum JournalFormat {
  static let version: UInt16 = 1
  /// Features without which the files cannot be read: this version has none.
  static let incompatible: UInt32 = 0

  static let cursors = "cursors"
  static let cursorsTemporary = "cursors.tmp"
  static let lock = "LOCK"
  static let quarantineSuffix = ".quarantine"
  private static let segmentSuffix = ".segment"

  /// Sequence numbers stay below it, so that nothing overflows; at a million a second it takes 146 000 years.
  static let sequenceMax: UInt64 = 1 << 62

  static func segmentName(_ base: UInt64) -> String {
    let digits = String(base, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits + segmentSuffix
  }

  /// The first sequence number of the segment of this name; nil when it is not a segment's.
  static func segmentBase(_ name: String) -> UInt64? {
    guard name.hasSuffix(segmentSuffix), name.count == 16 + segmentSuffix.count,
      let base = UInt64(name.prefix(16), radix: 16), segmentName(base) == name
    else { return nil }
    return base
  }
}

/// The first 64 bytes of a segment file.
///
///      0  "OTLPDJNL"   8 u16 version   10 u16 bytes of header   12 u32 incompatible features
///     16  u32 compatible features      20 u32 zero              24 u64 journal id
///     32  u64 first sequence number    40 u64 created, ns       48 zeros       60 u32 checksum of the 60 bytes before
struct SegmentHeader {
  static let bytes = 64
  private static let magic: StaticString = "OTLPDJNL"

  let id: JournalID
  let base: UInt64
  let createdUnixNano: UInt64

  func append(to buffer: inout ByteBuffer) {
    let start = buffer.count
    buffer.append(SegmentHeader.magic)
    buffer.append(littleEndian: JournalFormat.version)
    buffer.append(littleEndian: UInt16(SegmentHeader.bytes))
    buffer.append(littleEndian: JournalFormat.incompatible)
    buffer.append(littleEndian: UInt32(0))
    buffer.append(littleEndian: UInt32(0))
    buffer.append(littleEndian: id.bits)
    buffer.append(littleEndian: base)
    buffer.append(littleEndian: createdUnixNano)
    while buffer.count - start < SegmentHeader.bytes - 4 { buffer.append(0) }
    buffer.append(littleEndian: CRC32.checksum(of: buffer.span.extracting(start...)))
  }

  enum Reading {
    case header(SegmentHeader)
    /// Of a version or with features that this otlpd does not know.
    case incompatible(version: UInt16, features: UInt32)
    case damaged
  }

  static func read(_ bytes: Span<UInt8>) -> Reading {
    guard bytes.count >= SegmentHeader.bytes, Bytes(copying: bytes.extracting(..<8)).text == "\(magic)",
      CRC32.checksum(of: bytes.extracting(..<60)) == bytes.littleEndian(at: 60, as: UInt32.self)
    else { return .damaged }
    let version = bytes.littleEndian(at: 8, as: UInt16.self)
    let features = bytes.littleEndian(at: 12, as: UInt32.self)
    guard version == JournalFormat.version, features & ~JournalFormat.incompatible == 0 else {
      return .incompatible(version: version, features: features)
    }
    return .header(
      SegmentHeader(
        id: JournalID(bits: bytes.littleEndian(at: 24, as: UInt64.self)),
        base: bytes.littleEndian(at: 32, as: UInt64.self),
        createdUnixNano: bytes.littleEndian(at: 40, as: UInt64.self)))
  }
}
