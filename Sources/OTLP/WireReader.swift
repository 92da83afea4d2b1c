// Steps through the fields of one protobuf message in bytes that were validated before.

/// One field on the wire: where its tag and its content are.
struct WireField {
  let number: Int
  /// 0 varint, 1 eight bytes, 2 length-delimited, 5 four bytes.
  let wireType: UInt8
  /// Offset of the content, behind the tag and the length.
  let start: Int
  /// Offset behind the content.
  let end: Int
}

/// Reads one message field by field.
///
/// The bytes come from an `ExportRequest`, so tags and lengths are known to be good (I1). Every read is checked against
/// the span all the same: a broken promise stops the program instead of reading a neighbour's memory.
struct WireReader: ~Escapable {
  let bytes: Span<UInt8>
  /// Offset of the next tag.
  var offset: Int

  @_lifetime(copy bytes)
  init(_ bytes: Span<UInt8>, from offset: Int = 0) {
    self.bytes = bytes
    self.offset = offset
  }

  /// The next field, or nil at the end of the message.
  @inline(__always)
  mutating func next() -> WireField? {
    guard offset < bytes.count else { return nil }
    // The common case first, because it predicts well: a short length-delimited field with a number below 16.
    if bytes[offset] & 0x87 == 2, bytes.count - offset >= 2, bytes[offset + 1] < 0x80 {
      let number = Int(bytes[offset] >> 3)
      let start = offset + 2
      offset = start + Int(bytes[offset + 1])
      precondition(offset <= bytes.count, "a length stays inside its message (I1)")
      return WireField(number: number, wireType: 2, start: start, end: offset)
    }
    return nextLong()
  }

  /// Any field.
  private mutating func nextLong() -> WireField {
    let tag = readVarint()
    let wireType = UInt8(tag & 7)
    let number = Int(tag >> 3)
    var start = offset
    switch wireType {
    case 2:
      let length = readVarint()
      start = offset
      precondition(length <= UInt64(bytes.count - offset), "a length stays inside its message (I1)")
      offset += Int(length)
    case 0: _ = readVarint()
    case 1: offset += 8
    case 5: offset += 4
    default: preconditionFailure("a request has no groups (I1)")
    }
    precondition(offset <= bytes.count, "a field stays inside its message (I1)")
    return WireField(number: number, wireType: wireType, start: start, end: offset)
  }

  @inline(__always)
  mutating func readVarint() -> UInt64 {
    let first = bytes[offset]
    offset += 1
    if first < 0x80 { return UInt64(first) }
    return readLongVarint(first)
  }

  /// Ten bytes at most; bits behind the 64th are dropped.
  @inline(never)
  mutating func readLongVarint(_ first: UInt8) -> UInt64 {
    var value = UInt64(first & 0x7f)
    var shift: UInt64 = 7
    while shift < 70 {
      let byte = bytes[offset]
      offset += 1
      value |= UInt64(byte & 0x7f) << shift
      if byte < 0x80 { return value }
      shift += 7
    }
    preconditionFailure("a varint has at most ten bytes (I1)")
  }
}

extension Span<UInt8> {
  /// Eight little-endian bytes at `offset`.
  func fixed64(at offset: Int) -> UInt64 {
    // Safe: the load is bounds-checked, and every bit pattern is an integer.
    UInt64(littleEndian: unsafe bytes.unsafeLoadUnaligned(fromByteOffset: offset, as: UInt64.self))
  }

  /// Four little-endian bytes at `offset`.
  func fixed32(at offset: Int) -> UInt32 {
    // Safe: as above.
    UInt32(littleEndian: unsafe bytes.unsafeLoadUnaligned(fromByteOffset: offset, as: UInt32.self))
  }

  /// The varint at `offset`.
  func varint(at offset: Int) -> UInt64 {
    var reader = WireReader(self, from: offset)
    return reader.readVarint()
  }
}
