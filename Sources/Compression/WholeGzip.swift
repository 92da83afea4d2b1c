// Unpacks whole gzip bodies with libdeflate, which needs half the time of zlib.

internal import Bytes
internal import CDeflate

/// Unpacks well-formed gzip bodies (RFC 1952) whose content has room. One thread at a time.
///
/// libdeflate works in one go and needs the room first; it does not tell a short body from a damaged one. So it only
/// ever succeeds or says nothing.
// `@safe`: the pointer is private, made by libdeflate and given back to it once.
@safe
struct WholeGzip: ~Copyable {
  private var state: OpaquePointer?

  init() { unsafe state = nil }

  deinit {
    guard let state = unsafe state else { return }
    // Safe: libdeflate made it.
    unsafe libdeflate_free_decompressor(state)
  }

  /// The content of all members; nil when it does not fit, or something is wrong with the body.
  mutating func decompress(_ compressed: Span<UInt8>, limit: Int) -> Bytes? {
    guard compressed.count >= 18, let state = unsafe readyState() else { return nil }
    // RFC 1952 section 2.3.1: the last four bytes are the size of the last member, or so the sender says. Deflate packs
    // at most 1032 to 1, and room that is never written to costs nothing.
    let tail = compressed.count - 4
    let claim = (0..<4).reduce(0) { $0 | Int(compressed[tail + $1]) << ($1 * 8) }
    guard claim <= limit, claim <= compressed.count * 1032 else { return nil }
    var output = ByteBuffer(capacity: claim)
    var start = 0
    while start < compressed.count {
      guard let used = unsafe Self.member(state, compressed.extracting(start...), into: &output, room: claim) else {
        return nil
      }
      start += used
    }
    return output.finishTight()
  }

  /// - Returns: how long the first member is; nil when it is no whole member or there is no room.
  private static func member(
    _ state: OpaquePointer, _ compressed: Span<UInt8>, into output: inout ByteBuffer, room: Int
  ) -> Int? {
    var used = 0
    var result = LIBDEFLATE_BAD_DATA
    let free = room - output.count
    // Safe: libdeflate reads the span and writes at most `free` bytes during the call.
    unsafe compressed.withUnsafeBufferPointer { input in
      unsafe output.appendUnsafe(capacity: free) { target in
        var written = 0
        result = unsafe libdeflate_gzip_decompress_ex(
          state, input.baseAddress, input.count, target, free, &used, &written)
        return result == LIBDEFLATE_SUCCESS ? written : 0
      }
    }
    return result == LIBDEFLATE_SUCCESS ? used : nil
  }

  private mutating func readyState() -> OpaquePointer? {
    if unsafe state == nil { unsafe state = libdeflate_alloc_decompressor() }
    return unsafe state
  }
}
