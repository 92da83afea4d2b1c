// Finding a byte in lent bytes.

internal import Glibc

extension Span where Element == UInt8 {
  /// The index of the first `byte` at `start` or behind it.
  package func firstIndex(of byte: UInt8, from start: Int = 0) -> Int? {
    precondition(start >= 0 && start <= count, "a search starts inside its bytes")
    if start == count { return nil }
    // Safe: memchr reads `count - start` bytes behind `start`, all of them inside the span.
    return unsafe withUnsafeBufferPointer { bytes in
      let base = unsafe UnsafeRawPointer(bytes.baseAddress!)
      guard let found = unsafe memchr(base + start, Int32(byte), bytes.count - start) else { return nil }
      return unsafe UnsafeRawPointer(found) - base
    }
  }

  /// Whether the bytes are those of `text`.
  package func equals(_ text: StaticString) -> Bool {
    count == text.utf8CodeUnitCount && isBeginning(of: text)
  }

  /// Whether the bytes are those of `text`.
  // Literals take the other one, which has nothing to make of a string.
  @_disfavoredOverload
  package func equals(_ text: String) -> Bool {
    var text = text
    return text.withUTF8 { utf8 in
      guard count == utf8.count else { return false }
      for index in indices {
        // Safe: both have `count` bytes.
        if unsafe self[index] != utf8[index] { return false }
      }
      return true
    }
  }

  /// Whether `text` begins with the bytes.
  package func isBeginning(of text: StaticString) -> Bool {
    guard count <= text.utf8CodeUnitCount else { return false }
    for index in indices {
      // Safe: the text has at least `count` bytes.
      if unsafe self[index] != text.utf8Start[index] { return false }
    }
    return true
  }

  /// Whether the bytes are those of `text`, a letter's case ignored in ASCII only.
  package func equalsIgnoringCase(_ text: StaticString) -> Bool {
    guard count == text.utf8CodeUnitCount else { return false }
    for index in indices {
      // Safe: both have `count` bytes.
      if unsafe !equalIgnoringCase(self[index], text.utf8Start[index]) { return false }
    }
    return true
  }

  /// Whether the bytes are those of `text`, a letter's case ignored in ASCII only.
  @_disfavoredOverload
  package func equalsIgnoringCase(_ text: String) -> Bool {
    var text = text
    return text.withUTF8 { utf8 in
      guard count == utf8.count else { return false }
      for index in indices {
        // Safe: both have `count` bytes.
        if unsafe !equalIgnoringCase(self[index], utf8[index]) { return false }
      }
      return true
    }
  }

  /// Whether there is a control character other than a tab.
  package var hasControlCharacter: Bool {
    // Safe: the bytes are read during the call only. No early exit, so that the loop works on many bytes at once.
    unsafe withUnsafeBufferPointer { bytes in
      var found: UInt8 = 0
      for index in 0..<bytes.count {
        let byte = unsafe bytes[index]
        found |= (byte < 0x20 ? 1 : 0) & (byte != 0x09 ? 1 : 0) | (byte == 0x7F ? 1 : 0)
      }
      return found != 0
    }
  }

  /// The bytes read as UTF-8, with U+FFFD where they are not.
  package var text: String {
    // Safe: the bytes are read during the call only.
    unsafe withUnsafeBufferPointer { unsafe String(decoding: $0, as: UTF8.self) }
  }
}

/// Whether the bytes are equal, or the two cases of one ASCII letter.
@inline(__always)
private func equalIgnoringCase(_ left: UInt8, _ right: UInt8) -> Bool {
  let difference = left ^ right
  if difference == 0 { return true }
  return difference == 0x20 && (left | 0x20) &- 0x61 < 26
}
