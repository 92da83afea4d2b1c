// Unpacks zstd within a limit; used again from body to body.

internal import Bytes
internal import CZstd

/// Unpacks zstd bodies (RFC 8878), one after the other, with one state that is reused unless it has grown large.
///
/// The state is allocated by the first use. One thread at a time.
// `@safe`: the pointer is private, made by libzstd and given back to it once.
@safe
struct ZstdDecompressor: ~Copyable {
  /// RFC 9659 section 3: as a content coding, zstd has a window of at most 8 MiB.
  private static let windowLogMax: Int32 = 23
  /// A state beyond this is not kept for the next body.
  private static let keptBytesMax = 1 << 20

  private var state: OpaquePointer?

  init() { unsafe state = nil }

  deinit {
    guard let state = unsafe state else { return }
    // Safe: libzstd made it.
    unsafe ZSTD_freeDCtx(state)
  }

  /// The content of all frames in `compressed`, which is not empty.
  ///
  /// - Parameter limit: the largest content accepted, in bytes.
  mutating func decompress(_ compressed: Span<UInt8>, limit: Int) throws(DecompressionError) -> Bytes {
    let state = unsafe readyState()
    var output = ByteBuffer(capacity: min(limit, max(4096, compressed.count * 4)) + 1)
    // Safe: libzstd reads the span only inside this closure.
    let failure: DecompressionError? = unsafe compressed.withUnsafeBufferPointer { input in
      var input = unsafe ZSTD_inBuffer(src: input.baseAddress, size: input.count, pos: 0)
      return unsafe Self.decompressFrames(state, &input, into: &output, limit: limit)
    }
    if unsafe ZSTD_sizeof_DCtx(state) > Self.keptBytesMax {
      unsafe ZSTD_freeDCtx(state)
      unsafe self.state = nil
    }
    if let failure { throw failure }
    return output.finishTight()
  }

  /// Decompresses until the input is used up.
  private static func decompressFrames(
    _ state: OpaquePointer, _ input: inout ZSTD_inBuffer, into output: inout ByteBuffer, limit: Int
  ) -> DecompressionError? {
    while true {
      // One byte above the limit tells "exactly full" from "more to come".
      let step = min(limit + 1 - output.count, max(64 << 10, output.count))
      let (inputBefore, outputBefore) = unsafe (input.pos, output.count)
      var result = 0
      // Safe: libzstd writes at most `step` bytes, and `pos` counts exactly what it wrote.
      unsafe output.appendUnsafe(capacity: step) { target in
        var tail = unsafe ZSTD_outBuffer(dst: target, size: step, pos: 0)
        unsafe result = ZSTD_decompressStream(state, &tail, &input)
        return unsafe ZSTD_isError(result) == 0 ? tail.pos : 0
      }
      if ZSTD_isError(result) != 0 {
        return ZSTD_getErrorCode(result) == ZSTD_error_frameParameter_windowTooLarge ? .windowTooLarge : .corrupt
      }
      if output.count > limit { return .tooLarge(limit: limit) }
      let isUsedUp = unsafe input.pos == input.size
      // zstd.h: 0 at the end of a frame; another one may follow.
      if result == 0 && isUsedUp { return nil }
      let hasMoved = unsafe input.pos > inputBefore || output.count > outputBefore
      if isUsedUp && !hasMoved { return .truncated }
    }
  }

  /// The state, allocated at first use and otherwise reset.
  private mutating func readyState() -> OpaquePointer {
    if let state = unsafe state {
      unsafe ZSTD_DCtx_reset(state, ZSTD_reset_session_only)
      return unsafe state
    }
    guard let fresh = unsafe ZSTD_createDCtx() else { preconditionFailure("there is memory for libzstd's state") }
    unsafe ZSTD_DCtx_setParameter(fresh, ZSTD_d_windowLogMax, Self.windowLogMax)
    unsafe state = fresh
    return unsafe fresh
  }
}
