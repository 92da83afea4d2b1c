// Header fields on their way to libnghttp2.

internal import Bytes
internal import CNGHTTP2

/// A list of fields whose names and values lie in one buffer.
struct FieldBlock: ~Copyable {
  private var text = ByteBuffer(capacity: 128)
  /// Where each name and each value ends in `text`, in turn.
  private var ends: [Int] = []

  /// Appends a field; the name is written in lower case (RFC 9113 section 8.2).
  mutating func append(_ name: String, _ value: String) {
    for byte in name.utf8 { text.append(byte &- 0x41 < 26 ? byte | 0x20 : byte) }
    ends.append(text.count)
    text.append(value)
    ends.append(text.count)
  }

  /// Lends the fields in the library's form; it copies what it keeps.
  @unsafe
  func withFields(_ body: (UnsafePointer<nghttp2_nv>?, Int) -> Int32) -> Int32 {
    let count = ends.count / 2
    let ends = ends
    return unsafe text.span.withUnsafeBufferPointer { text in
      unsafe withUnsafeTemporaryAllocation(of: nghttp2_nv.self, capacity: max(1, count)) { fields in
        // Safe: every end lies inside the text, and the library does not write to it.
        let base = unsafe UnsafeMutablePointer(mutating: text.baseAddress!)
        for index in 0..<count {
          let nameStart = index == 0 ? 0 : ends[2 * index - 1]
          let nameEnd = ends[2 * index]
          unsafe fields.initializeElement(
            at: index,
            to: nghttp2_nv(
              name: base + nameStart, value: base + nameEnd, namelen: nameEnd - nameStart,
              valuelen: ends[2 * index + 1] - nameEnd, flags: UInt8(NGHTTP2_NV_FLAG_NONE.rawValue)))
        }
        return unsafe body(UnsafePointer(fields.baseAddress!), count)
      }
    }
  }
}
