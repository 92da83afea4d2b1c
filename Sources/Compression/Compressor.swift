// Packs bytes as gzip, zlib or zstd; used again from body to body.

package import Bytes
internal import CDeflate
internal import CZstd

/// Packs bodies, one after the other, with one state that is reused.
///
/// The state is allocated by the first use: libdeflate's takes 65 KiB at level 1 and up to 1 MiB above, zstd's about
/// 1 MiB. One thread at a time.
// `@safe`: the pointer is private, made by the library of `format`, and given back to it once.
@safe
package struct Compressor: ~Copyable {
  /// How the content is packed.
  package enum Format: Sendable {
    /// RFC 1952.
    case gzip
    /// RFC 1950, which HTTP calls "deflate" (RFC 9110 8.4.1.2).
    case zlib
    /// RFC 8878.
    case zstd
  }

  private let format: Format
  private let level: Int32
  private var state: OpaquePointer?

  /// - Parameter level: 1 (fast) to 9 (small), for zstd to 19; others are clamped.
  package init(_ format: Format, level: Int = 1) {
    self.format = format
    self.level = Int32(min(max(level, 1), format == .zstd ? 19 : 9))
    unsafe state = nil
  }

  deinit {
    guard let state = unsafe state else { return }
    // Safe: `state` was made by the same library.
    switch format {
    case .gzip, .zlib: unsafe libdeflate_free_compressor(state)
    case .zstd: unsafe ZSTD_freeCCtx(state)
    }
  }

  /// The packed form of `content`: one gzip member, zlib stream or zstd frame.
  package mutating func compress(_ content: Span<UInt8>) -> Bytes {
    let state = unsafe readyState()
    let bound = unsafe bound(of: content.count, state)
    var output = ByteBuffer(capacity: bound)
    // Safe: the libraries read the span and write at most `bound` bytes during the call; neither keeps a pointer.
    unsafe content.withUnsafeBufferPointer { input in
      unsafe output.appendUnsafe(capacity: bound) { target in
        let written =
          switch format {
          case .gzip: unsafe libdeflate_gzip_compress(state, input.baseAddress, input.count, target, bound)
          case .zlib: unsafe libdeflate_zlib_compress(state, input.baseAddress, input.count, target, bound)
          case .zstd: unsafe ZSTD_compressCCtx(state, target, bound, input.baseAddress, input.count, level)
          }
        precondition(written > 0 && written <= bound, "whatever the content, its packed form fits into the bound")
        return written
      }
    }
    return output.finishTight()
  }

  /// The longest that `count` bytes can become.
  private func bound(of count: Int, _ state: OpaquePointer) -> Int {
    switch format {
    case .gzip: unsafe libdeflate_gzip_compress_bound(state, count)
    case .zlib: unsafe libdeflate_zlib_compress_bound(state, count)
    case .zstd: ZSTD_compressBound(count)
    }
  }

  private mutating func readyState() -> OpaquePointer {
    if let state = unsafe state { return unsafe state }
    let fresh = unsafe format == .zstd ? ZSTD_createCCtx() : libdeflate_alloc_compressor(level)
    guard let fresh = unsafe fresh else { preconditionFailure("there is memory for a compressor's state") }
    unsafe state = fresh
    return unsafe fresh
  }
}
