// What a request's body may be packed with.

internal import Bytes
internal import Compression

/// A value of Content-Encoding that we understand.
///
/// `zlib` is the Collector's word for what HTTP calls `deflate`; both are read alike.
package enum ContentCoding: String, Sendable, CaseIterable {
  case identity, gzip, deflate, zlib, zstd

  /// RFC 9110 section 8.4.1: names are case-insensitive, and x-gzip is gzip.
  init?(_ name: Span<UInt8>) {
    let name = name.text.lowercased()
    self.init(rawValue: name == "x-gzip" ? "gzip" : name)
  }

  /// How to undo it; nil when there is nothing to undo.
  var format: Decompressor.Format? {
    switch self {
    case .identity: nil
    case .gzip: .gzip
    case .deflate, .zlib: .deflate
    case .zstd: .zstd
    }
  }
}
