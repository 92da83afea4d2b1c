// gzip in one call, for those who need it once.

package import Bytes

/// One-shot gzip. Whoever does it often keeps a `GzipDecompressor` or a `Compressor`.
package enum Gzip {
  /// The content of `compressed`, at most `limit` bytes of it.
  package static func decompress(_ compressed: Bytes, limit: Int) throws(GzipError) -> Bytes {
    var decompressor = GzipDecompressor()
    return try decompressor.decompress(compressed.span, limit: limit)
  }

  /// The gzip form of `content`; levels 1 (fast) to 9 (small).
  package static func compress(_ content: Bytes, level: Int = 6) -> Bytes {
    var compressor = Compressor(.gzip, level: level)
    return compressor.compress(content.span)
  }
}
