// A place in the bytes being written, with the few stores the encoders need.

/// A place in a buffer that is being filled.
///
/// The makers of protobuf reserve for the worst case before they start (`JSONTranscoder.capacity(for:signal:)` and
/// `Canonicalizer`), including the `slack` bytes that a store may reach behind what it means to write; the JSON writer
/// reserves for each value (`ByteBuffer.write(upTo:_:)`).
@safe
struct OutputPosition {
  private let pointer: UnsafeMutablePointer<UInt8>

  /// Room every buffer has behind the most bytes its contents can take: the lengths predicted too wide of all messages
  /// open at once, and whole blocks stored where fewer bytes were meant.
  static let slack = 1024

  @unsafe
  @inline(__always)
  init(_ pointer: UnsafeMutablePointer<UInt8>) { unsafe self.pointer = pointer }

  /// What was written, to be read again.
  @inline(__always)
  var written: InputPosition { unsafe InputPosition(UnsafePointer(pointer)) }

  @inline(__always)
  func store(_ byte: UInt8) {
    // Safe: see the type's comment.
    unsafe pointer.pointee = byte
  }

  @inline(__always)
  func store(_ value: UInt16) {
    // Safe: see the type's comment.
    unsafe UnsafeMutableRawPointer(pointer).storeBytes(of: value.littleEndian, as: UInt16.self)
  }

  @inline(__always)
  func store(_ value: UInt32) {
    // Safe: see the type's comment.
    unsafe UnsafeMutableRawPointer(pointer).storeBytes(of: value.littleEndian, as: UInt32.self)
  }

  @inline(__always)
  func store(_ value: UInt64) {
    // Safe: see the type's comment.
    unsafe UnsafeMutableRawPointer(pointer).storeBytes(of: value.littleEndian, as: UInt64.self)
  }

  @inline(__always)
  func store(_ block: SIMD16<Int8>) {
    // Safe: see the type's comment.
    unsafe UnsafeMutableRawPointer(pointer).storeBytes(of: block, as: SIMD16<Int8>.self)
  }

  /// Copies a span here; returns the place behind it.
  func copy(_ span: Span<UInt8>) -> OutputPosition {
    guard span.count > 0 else { return self }
    // Safe: see the type's comment; nobody reads the buffer being filled as a span.
    unsafe span.withUnsafeBufferPointer { source in
      unsafe pointer.update(from: source.baseAddress!, count: source.count)
    }
    return self + span.count
  }

  /// Moves the bytes between here and `end` to `target`, which may overlap them.
  func move(to target: OutputPosition, until end: OutputPosition) {
    // Safe: see the type's comment; `update` allows overlap.
    unsafe target.pointer.update(from: pointer, count: end.pointer - pointer)
  }

  @inline(__always)
  static func + (position: OutputPosition, distance: Int) -> OutputPosition {
    // Safe to form: see the type's comment.
    unsafe OutputPosition(position.pointer + distance)
  }

  @inline(__always)
  static func += (position: inout OutputPosition, distance: Int) { position = position + distance }

  @inline(__always)
  static func - (position: OutputPosition, distance: Int) -> OutputPosition { position + -distance }

  @inline(__always)
  static func - (end: OutputPosition, start: OutputPosition) -> Int { unsafe end.pointer - start.pointer }
}

extension OutputPosition {
  /// Writes a varint; returns the place behind it.
  @inline(__always)
  func varint(_ value: UInt64) -> OutputPosition {
    var position = self
    var rest = value
    while rest >= 0x80 {
      position.store(UInt8(truncatingIfNeeded: rest) | 0x80)
      position += 1
      rest >>= 7
    }
    position.store(UInt8(truncatingIfNeeded: rest))
    return position + 1
  }

  /// The bytes that `value` takes as a varint.
  static func varintWidth(_ value: Int) -> Int { max(1, (Int.bitWidth - value.leadingZeroBitCount + 6) / 7) }

  /// Writes the length of what lies between here and `end` into the `width` bytes in front of this place.
  ///
  /// Moves the contents when the length takes more or fewer bytes, so that the length is always the shortest.
  /// Returns the end of the contents.
  @inline(never)
  func closeLength(width: Int, until end: OutputPosition) -> OutputPosition {
    let count = end - self
    let needed = OutputPosition.varintWidth(count)
    let start = self - width
    if needed != width { move(to: start + needed, until: end) }
    _ = start.varint(UInt64(count))
    return start + needed + count
  }
}
