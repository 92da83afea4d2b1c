// A place in the bytes being decoded, with the few loads the decoders need.

/// A place in bytes that are being read.
///
/// The decoders, the views and the JSON writer prove for every load that it stays inside the window or the
/// `Bytes.padding` bytes behind it, which may be read:
/// - The JSON transcoder reads text that ends with a zero byte. A position advances only over bytes that were seen to
///   be other than zero, so it never passes the end, and no load reaches further than 40 bytes behind a position.
/// - The wire walker advances by at most 20 bytes before it compares with the end of the innermost message, and by a
///   length only once that was compared with what is left.
/// - Views and writer read what the walker proved, and compare every field with the end of its message again; blocks
///   of text reach at most 16 bytes behind it.
@safe
struct InputPosition: Comparable {
  private let pointer: UnsafePointer<UInt8>

  @unsafe
  @inline(__always)
  init(_ pointer: UnsafePointer<UInt8>) { unsafe self.pointer = pointer }

  /// The byte here.
  @inline(__always)
  var byte: UInt8 {
    // Safe: see the type's comment.
    unsafe pointer.pointee
  }

  /// The byte `distance` behind this position.
  @inline(__always)
  subscript(distance: Int) -> UInt8 {
    // Safe: see the type's comment.
    unsafe pointer[distance]
  }

  /// Eight bytes from `distance` on, the first in the lowest bits.
  @inline(__always)
  func word(at distance: Int = 0) -> UInt64 {
    // Safe: see the type's comment.
    unsafe UInt64(littleEndian: UnsafeRawPointer(pointer).loadUnaligned(fromByteOffset: distance, as: UInt64.self))
  }

  /// Four bytes from `distance` on, the first in the lowest bits.
  @inline(__always)
  func halfWord(at distance: Int = 0) -> UInt32 {
    // Safe: see the type's comment.
    unsafe UInt32(littleEndian: UnsafeRawPointer(pointer).loadUnaligned(fromByteOffset: distance, as: UInt32.self))
  }

  /// Sixteen bytes, signed: `.==` on vectors of `UInt8` compiles to a loop over the lanes, on `Int8` it does not.
  @inline(__always)
  var block: SIMD16<Int8> {
    // Safe: see the type's comment.
    unsafe UnsafeRawPointer(pointer).loadUnaligned(as: SIMD16<Int8>.self)
  }

  /// The address, to remember a place in an error.
  @inline(__always)
  var address: UInt { unsafe UInt(bitPattern: pointer) }

  /// The text here as C functions take it; valid while the bytes are lent.
  @unsafe
  var cString: UnsafePointer<CChar> { unsafe UnsafeRawPointer(pointer).assumingMemoryBound(to: CChar.self) }

  @inline(__always)
  static func + (position: InputPosition, distance: Int) -> InputPosition {
    // Safe to form: see the type's comment.
    unsafe InputPosition(position.pointer + distance)
  }

  @inline(__always)
  static func += (position: inout InputPosition, distance: Int) { position = position + distance }

  @inline(__always)
  static func - (position: InputPosition, distance: Int) -> InputPosition { position + -distance }

  @inline(__always)
  static func - (end: InputPosition, start: InputPosition) -> Int { unsafe end.pointer - start.pointer }

  @inline(__always)
  static func < (left: InputPosition, right: InputPosition) -> Bool { unsafe left.pointer < right.pointer }

  @inline(__always)
  static func == (left: InputPosition, right: InputPosition) -> Bool { unsafe left.pointer == right.pointer }
}
