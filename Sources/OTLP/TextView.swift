// Text and bytes inside a request, seen without copying them.

package import Bytes

/// A string of a request: valid UTF-8 (I2), lent for the visit.
@usableFromInline
package struct TextView: ~Escapable {
  /// The UTF-8 bytes, to bind or to append without a `String`.
  @usableFromInline package let span: Span<UInt8>

  @_lifetime(copy span)
  init(_ span: Span<UInt8>) { self.span = span }

  /// Bytes of UTF-8.
  @inlinable package var count: Int { span.count }
  @inlinable package var isEmpty: Bool { span.isEmpty }

  /// A copy as a `String`.
  package var string: String {
    // Safe: the buffer is read during the call only.
    unsafe span.withUnsafeBufferPointer { utf8 in unsafe String(decoding: utf8, as: UTF8.self) }
  }

  @inlinable
  package static func == (left: borrowing TextView, right: StaticString) -> Bool {
    left.span.isEqual(to: right)
  }

  @inlinable
  package static func == (left: borrowing TextView, right: borrowing TextView) -> Bool {
    left.span.isEqual(to: right.span)
  }
}

/// Bytes of a request: a `bytes_value`, a trace id or a span id, lent for the visit.
@usableFromInline
package struct BytesView: ~Escapable {
  @usableFromInline package let span: Span<UInt8>

  @_lifetime(copy span)
  init(_ span: Span<UInt8>) { self.span = span }

  @inlinable package var count: Int { span.count }
  /// Of an id: absent (I3: an id is 16 or 8 bytes, or empty).
  @inlinable package var isEmpty: Bool { span.isEmpty }

  /// A copy that outlives the visit.
  package var bytes: Bytes { Bytes(copying: span) }

  /// The bytes in lower-case hex.
  package var hex: String {
    var buffer = ByteBuffer(capacity: count * 2)
    buffer.append(hex: span)
    return buffer.finish().text
  }

  /// Appends the bytes in lower-case hex.
  package func appendHex(to buffer: inout ByteBuffer) { buffer.append(hex: span) }

  @inlinable
  package static func == (left: borrowing BytesView, right: borrowing BytesView) -> Bool {
    left.span.isEqual(to: right.span)
  }
}

extension Span<UInt8> {
  @usableFromInline
  func isEqual(to other: Span<UInt8>) -> Bool {
    guard count == other.count else { return false }
    for index in indices where self[index] != other[index] { return false }
    return true
  }

  @usableFromInline
  func isEqual(to text: StaticString) -> Bool {
    guard count == text.utf8CodeUnitCount else { return false }
    // Safe: a literal in UTF-8 form is that many bytes and lives for ever.
    let start = unsafe text.utf8Start
    for index in indices where self[index] != (unsafe start[index]) { return false }
    return true
  }
}
