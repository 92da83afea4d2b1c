// Unpacks what zlib unpacks, within a limit; used again from body to body.

internal import Bytes
internal import CZlib

/// Unpacks bodies, one after the other, with one zlib state of about 40 KiB that is reused.
///
/// The state is allocated by the first use. One thread at a time.
// `@safe`: the pointer is private, and only a live stream is ever passed to zlib.
@safe
struct Inflater: ~Copyable {
  /// How the compressed content is wrapped; zlib.h's number of window bits says so.
  enum Wrapper: Int32 {
    /// RFC 1952: 15 window bits plus 16 reads gzip and nothing else.
    case gzip = 31
    /// RFC 1950.
    case zlib = 15
    /// RFC 1951 alone.
    case bare = -15
  }

  /// zlib keeps a pointer back to its stream, so the stream has a fixed address.
  private var stream: UnsafeMutablePointer<z_stream>?

  init() { unsafe stream = nil }

  deinit {
    guard let stream = unsafe stream else { return }
    // Safe: `stream` was initialised by inflateInit2.
    unsafe inflateEnd(stream)
    unsafe stream.deallocate()
  }

  /// The content of `compressed`, which is not empty.
  ///
  /// - Parameter limit: the largest content accepted, in bytes.
  mutating func decompress(
    _ compressed: Span<UInt8>, as wrapper: Wrapper, limit: Int
  ) throws(DecompressionError) -> Bytes {
    guard compressed.count <= Int(UInt32.max) else { throw .tooLarge(limit: limit) }
    let stream = unsafe readyStream(wrapper)
    var output = ByteBuffer(capacity: min(limit, max(4096, compressed.count * 4)) + 1)
    // Safe: zlib reads the span only inside this closure.
    let failure: DecompressionError? = unsafe compressed.withUnsafeBufferPointer { input in
      // zlib's interface is not const-correct; it never writes to its input.
      unsafe stream.pointee.next_in = UnsafeMutablePointer(mutating: input.baseAddress!)
      unsafe stream.pointee.avail_in = UInt32(input.count)
      return unsafe Self.inflateMembers(stream, wrapper, into: &output, limit: limit)
    }
    unsafe stream.pointee.next_in = nil
    if let failure { throw failure }
    return output.finishTight()
  }

  /// Inflates until the input is used up.
  private static func inflateMembers(
    _ stream: UnsafeMutablePointer<z_stream>, _ wrapper: Wrapper, into output: inout ByteBuffer, limit: Int
  ) -> DecompressionError? {
    while true {
      // One byte above the limit tells "exactly full" from "more to come".
      let step = min(limit + 1 - output.count, max(64 << 10, output.count))
      var result = Z_OK
      output.appendTail(minimum: step, maximum: step) { tail in unsafe result = inflateStep(stream, &tail) }
      if output.count > limit { return .tooLarge(limit: limit) }
      let inputLeft = unsafe stream.pointee.avail_in
      switch result {
      case Z_STREAM_END:
        if inputLeft == 0 { return nil }
        // RFC 1952 section 2.2: members follow each other; what follows must be one. Nothing follows the others.
        guard wrapper == .gzip else { return .corrupt }
        unsafe inflateReset(stream)
      case Z_OK: continue
      // No progress although there was room: the input is used up in the middle of a member.
      case Z_BUF_ERROR: return .truncated
      default: return .corrupt
      }
    }
  }

  /// Lets zlib write into the free part of `tail`.
  private static func inflateStep(_ stream: UnsafeMutablePointer<z_stream>, _ tail: inout OutputRawSpan) -> Int32 {
    // Safe: zlib writes at most `avail_out` bytes, and `filled` counts exactly what it wrote.
    unsafe tail.withUnsafeMutableBytes { bytes, filled in
      let room = UInt32(clamping: bytes.count - filled)
      unsafe stream.pointee.next_out = (bytes.baseAddress! + filled).assumingMemoryBound(to: UInt8.self)
      unsafe stream.pointee.avail_out = room
      let result = unsafe inflate(stream, Z_NO_FLUSH)
      filled += Int(room - (unsafe stream.pointee.avail_out))
      unsafe stream.pointee.next_out = nil
      return result
    }
  }

  /// The zlib state, allocated at first use and otherwise reset.
  private mutating func readyStream(_ wrapper: Wrapper) -> UnsafeMutablePointer<z_stream> {
    if let stream = unsafe stream {
      // Safe: an initialised stream.
      unsafe inflateReset2(stream, wrapper.rawValue)
      return unsafe stream
    }
    let fresh = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
    unsafe fresh.initialize(to: z_stream())
    let result = unsafe inflateInit2_(fresh, wrapper.rawValue, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
    precondition(result == Z_OK, "zlib is of the version it was built with and there is memory for its state")
    unsafe stream = fresh
    return unsafe fresh
  }
}
