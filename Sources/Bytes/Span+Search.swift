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
    guard count == text.utf8CodeUnitCount else { return false }
    for index in indices {
      // Safe: both have `count` bytes.
      if unsafe self[index] != text.utf8Start[index] { return false }
    }
    return true
  }

  /// Whether the bytes are those of `text`, a letter's case ignored in ASCII only.
  package func equalsIgnoringCase(_ text: StaticString) -> Bool {
    guard count == text.utf8CodeUnitCount else { return false }
    for index in indices {
      // Safe: both have `count` bytes.
      if unsafe lowercased(self[index]) != lowercased(text.utf8Start[index]) { return false }
    }
    return true
  }

  /// Whether the bytes are those of `text`, a letter's case ignored in ASCII only.
  package func equalsIgnoringCase(_ text: String) -> Bool {
    guard count == text.utf8.count else { return false }
    var index = 0
    for byte in text.utf8 {
      if lowercased(self[index]) != lowercased(byte) { return false }
      index += 1
    }
    return true
  }

  /// The bytes read as UTF-8, with U+FFFD where they are not.
  package var text: String {
    // Safe: the bytes are read during the call only.
    unsafe withUnsafeBufferPointer { unsafe String(decoding: $0, as: UTF8.self) }
  }
}

private func lowercased(_ byte: UInt8) -> UInt8 { byte &- 0x41 < 26 ? byte | 0x20 : byte }
