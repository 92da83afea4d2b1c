// How far each sink has come, in one small file that is replaced whole.

internal import Bytes
internal import Compression
internal import System

/// The content of the file `cursors`. It belongs to one journal: with another's id it says nothing.
///
///      0  "OTLPDCUR"   8 u16 version   10 u16 zero   12 u32 incompatible features   16 u64 journal id
///     24  u64 next sequence number     32 u32 count, then per cursor: u64 position, u8 signal, u16 bytes, UTF-8
///         at the end: u32 checksum of everything before
struct CursorsFile: Equatable {
  struct Key: Hashable {
    let sink: String
    let signal: UInt8
  }

  let id: JournalID
  /// No record has this number or a higher one yet.
  var next: UInt64
  /// The lowest sequence number that is neither delivered nor given up.
  var positions: [Key: UInt64] = [:]

  private static let magic: StaticString = "OTLPDCUR"
  /// A file that is larger is not ours.
  private static let bytesMax = 4 << 20

  func encoded() -> Bytes {
    var buffer = ByteBuffer(capacity: 256)
    buffer.append(CursorsFile.magic)
    buffer.append(littleEndian: JournalFormat.version)
    buffer.append(littleEndian: UInt16(0))
    buffer.append(littleEndian: JournalFormat.incompatible)
    buffer.append(littleEndian: id.bits)
    buffer.append(littleEndian: next)
    buffer.append(littleEndian: UInt32(positions.count))
    let sorted = positions.sorted { ($0.key.sink, $0.key.signal) < ($1.key.sink, $1.key.signal) }
    for (key, position) in sorted {
      let name = Bytes(key.sink)
      buffer.append(littleEndian: position)
      buffer.append(key.signal)
      buffer.append(littleEndian: UInt16(clamping: name.count))
      buffer.append(name)
    }
    buffer.append(littleEndian: CRC32.checksum(of: buffer.span))
    return buffer.finish()
  }

  enum Reading {
    case cursors(CursorsFile)
    case missing
    case damaged
    case incompatible(version: UInt16, features: UInt32)
  }

  static func read(_ bytes: Span<UInt8>) -> Reading {
    let end = bytes.count - 4
    guard end >= 36, end <= bytesMax, Bytes(copying: bytes.extracting(..<8)).text == "\(magic)",
      CRC32.checksum(of: bytes.extracting(..<end)) == bytes.littleEndian(at: end, as: UInt32.self)
    else { return .damaged }
    let version = bytes.littleEndian(at: 8, as: UInt16.self)
    let features = bytes.littleEndian(at: 12, as: UInt32.self)
    guard version == JournalFormat.version, features & ~JournalFormat.incompatible == 0 else {
      return .incompatible(version: version, features: features)
    }
    var file = CursorsFile(
      id: JournalID(bits: bytes.littleEndian(at: 16, as: UInt64.self)),
      next: bytes.littleEndian(at: 24, as: UInt64.self))
    var offset = 36
    for _ in 0..<bytes.littleEndian(at: 32, as: UInt32.self) {
      guard end - offset >= 11 else { return .damaged }
      let count = Int(bytes.littleEndian(at: offset + 9, as: UInt16.self))
      guard end - offset - 11 >= count else { return .damaged }
      let name = Bytes(copying: bytes.extracting(offset + 11..<offset + 11 + count)).text
      file.positions[Key(sink: name, signal: bytes[offset + 8])] = bytes.littleEndian(at: offset, as: UInt64.self)
      offset += 11 + count
    }
    return .cursors(file)
  }

  /// Replaces the file; when this returns, the new content is durable.
  ///
  /// Out of space, the old file stays as it is. After any other failure nobody knows which one is there.
  /// Room for the next time is set aside: on a full disk, no file of records may go before its cursors are stored.
  func write(to files: any FileSystem) throws(LogFailure) {
    let bytes = encoded()
    do {
      let file = try CursorsFile.temporary(in: files)
      try file.write(bytes.span, at: 0)
      // An earlier attempt may have left more behind.
      try file.truncate(to: bytes.count)
      try file.sync()
      try files.rename(JournalFormat.cursorsTemporary, to: JournalFormat.cursors)
    } catch {
      throw LogFailure(error)
    }
    do { try files.syncDirectory() } catch { throw .fatal(error) }
    // Without room for it, the next attempt will say so.
    try? CursorsFile.temporary(in: files).reserve(upTo: bytes.count + CursorsFile.spareBytes)
  }

  /// How much longer the next content may be, and still have its room.
  private static let spareBytes = 4096

  private static func temporary(in files: any FileSystem) throws(SystemError) -> any File {
    do throws(SystemError) {
      return try files.open(JournalFormat.cursorsTemporary)
    } catch {
      guard error.isMissing else { throw error }
      return try files.create(JournalFormat.cursorsTemporary)
    }
  }
}
