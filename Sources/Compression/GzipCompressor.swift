// Packs bytes as gzip; used again from body to body.

package import Bytes
internal import CZlib

/// Packs bodies as gzip (RFC 1952), one after the other, with one zlib state of about 256 KiB that is reused.
///
/// The state is allocated by the first use. One thread at a time.
// `@safe`: the pointer is private, and only a live stream is ever passed to zlib.
@safe
package struct GzipCompressor: ~Copyable {
  private let level: Int32
  /// zlib keeps a pointer back to its stream, so the stream has a fixed address.
  private var stream: UnsafeMutablePointer<z_stream>?

  /// - Parameter level: 1 (fast) to 9 (small), as gzip(1) counts; others are clamped.
  package init(level: Int = 6) {
    self.level = Int32(min(max(level, 1), 9))
    unsafe stream = nil
  }

  deinit {
    guard let stream = unsafe stream else { return }
    // Safe: `stream` was initialised by deflateInit2.
    unsafe deflateEnd(stream)
    unsafe stream.deallocate()
  }

  /// The gzip form of `content`, as one member.
  package mutating func compress(_ content: Span<UInt8>) -> Bytes {
    let stream = unsafe readyStream()
    var output = ByteBuffer(capacity: content.count / 4 + 64)
    unsafe Self.append(content, Z_FINISH, to: &output, stream)
    return output.finish()
  }

  /// The gzip form of the pieces, one after the other, as one member.
  package mutating func compress(_ pieces: [Bytes]) -> Bytes {
    let stream = unsafe readyStream()
    var output = ByteBuffer(capacity: pieces.reduce(0) { $0 + $1.count } / 4 + 64)
    for piece in pieces { unsafe Self.append(piece.span, Z_NO_FLUSH, to: &output, stream) }
    unsafe Self.append(Bytes().span, Z_FINISH, to: &output, stream)
    return output.finish()
  }

  /// Feeds `content` in pieces that zlib's 32-bit counts can hold.
  private static func append(
    _ content: Span<UInt8>, _ flush: Int32, to output: inout ByteBuffer, _ stream: UnsafeMutablePointer<z_stream>
  ) {
    let pieceMax = 1 << 30
    var start = 0
    repeat {
      let end = min(content.count, start + pieceMax)
      let mode = end == content.count ? flush : Z_NO_FLUSH
      // Safe: zlib reads the span only inside this closure and never writes to it.
      unsafe content.extracting(start..<end).withUnsafeBufferPointer { input in
        unsafe stream.pointee.next_in = input.baseAddress.map { unsafe UnsafeMutablePointer(mutating: $0) }
        unsafe stream.pointee.avail_in = UInt32(input.count)
        var result = Z_OK
        repeat {
          output.appendTail(minimum: 4096) { tail in unsafe result = deflateStep(stream, mode, &tail) }
          // zlib manual: a full output means there may be more; otherwise all input is taken.
        } while unsafe stream.pointee.avail_out == 0 || mode == Z_FINISH && result == Z_OK
      }
      start = end
    } while start < content.count
    unsafe stream.pointee.next_in = nil
  }

  /// Lets zlib write into the free part of `tail`.
  private static func deflateStep(
    _ stream: UnsafeMutablePointer<z_stream>, _ flush: Int32, _ tail: inout OutputRawSpan
  ) -> Int32 {
    // Safe: zlib writes at most `avail_out` bytes, and `filled` counts exactly what it wrote.
    unsafe tail.withUnsafeMutableBytes { bytes, filled in
      let room = UInt32(clamping: bytes.count - filled)
      unsafe stream.pointee.next_out = (bytes.baseAddress! + filled).assumingMemoryBound(to: UInt8.self)
      unsafe stream.pointee.avail_out = room
      let result = unsafe deflate(stream, flush)
      filled += Int(room - (unsafe stream.pointee.avail_out))
      unsafe stream.pointee.next_out = nil
      return result
    }
  }

  /// The zlib state, allocated at first use and otherwise reset.
  private mutating func readyStream() -> UnsafeMutablePointer<z_stream> {
    if let stream = unsafe stream {
      // Safe: an initialised stream.
      unsafe deflateReset(stream)
      return unsafe stream
    }
    let fresh = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
    unsafe fresh.initialize(to: z_stream())
    // zlib.h: 15 window bits plus 16 writes gzip; memory level 8 is the default.
    let result = unsafe deflateInit2_(
      fresh, level, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
    precondition(result == Z_OK, "zlib is of the version it was built with and there is memory for its state")
    unsafe stream = fresh
    return unsafe fresh
  }
}
