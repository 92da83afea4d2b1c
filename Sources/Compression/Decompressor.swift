// Unpacks bodies in any format we know, within a limit; used again from body to body.

package import Bytes

/// Unpacks bodies, one after the other, with state that is reused and allocated by the first use of a format.
///
/// Memory grows with what comes out, never with what the data claims. One thread at a time.
package struct Decompressor: ~Copyable {
  /// How content is packed.
  package enum Format: Sendable {
    /// RFC 1952: one member or several, with their checksums verified.
    case gzip
    /// RFC 1950, which HTTP calls "deflate" (RFC 9110 section 8.4.1.2), or bare RFC 1951, which some senders mean.
    case deflate
    /// RFC 8878: one frame or several.
    case zstd
  }

  private var fastGzip = WholeGzip()
  private var inflater = Inflater()
  private var zstd = ZstdDecompressor()

  package init() {}

  /// The content of `compressed`.
  ///
  /// - Parameter limit: the largest content accepted, in bytes.
  package mutating func decompress(
    _ compressed: Span<UInt8>, as format: Format, limit: Int
  ) throws(DecompressionError) -> Bytes {
    guard compressed.count > 0 else { throw .truncated }
    switch format {
    case .gzip:
      // What the fast way cannot unpack, the exact way judges.
      if let content = fastGzip.decompress(compressed, limit: limit) { return content }
      return try inflater.decompress(compressed, as: .gzip, limit: limit)
    case .deflate:
      return try inflater.decompress(compressed, as: compressed.beginsAsZlib ? .zlib : .bare, limit: limit)
    case .zstd: return try zstd.decompress(compressed, limit: limit)
    }
  }
}

extension Span<UInt8> {
  /// RFC 1950 section 2.2: the method is 8, the window at most 32 KiB, and the first two bytes are a multiple of 31.
  ///
  /// Bare deflate never looks like that: its first byte would begin a stored block with padding that is not zero.
  fileprivate var beginsAsZlib: Bool {
    count >= 2 && self[0] & 0x0F == 8 && self[0] >> 4 <= 7 && (Int(self[0]) << 8 | Int(self[1])) % 31 == 0
  }
}
