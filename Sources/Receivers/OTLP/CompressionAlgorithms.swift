// The file's form of what request bodies may be packed with.

internal import Config
internal import HTTPServer

/// `compression_algorithms:` of an HTTP server: values of Content-Encoding, the empty text for none at all.
package struct CompressionAlgorithms: Equatable, Sendable {
  /// The Collector's; those that we do not have are refused request by request, with a 415 that names the others.
  private var names = ["", "gzip", "zstd", "zlib", "snappy", "deflate", "lz4", "x-snappy-framed"]
  private static let unavailable = ["snappy", "lz4", "x-snappy-framed"]

  package init() {}

  /// Not a block of its own: it is a list.
  mutating func read(from map: MapReader) {
    let key = "compression_algorithms"
    let defaults = names
    map.read(key, into: &names)
    // As in the Collector: an empty list means the default.
    if names.isEmpty { names = defaults }
    if names == defaults { return }
    for name in names where Self.coding(name) == nil {
      if Self.unavailable.contains(name) {
        map.warn(key, "\(quoted(name)) is not built into otlpd: requests packed with it are answered with 415")
      } else {
        let known = ContentCoding.allCases.map(\.rawValue).filter { $0 != "identity" }
        map.fail(key, "unknown \(quoted(name)); available: \(known.joined(separator: ", ")), and \"\" for none")
      }
    }
  }

  /// Those that we have.
  var codings: [ContentCoding] { names.compactMap(Self.coding) }

  private static func coding(_ name: String) -> ContentCoding? {
    name.isEmpty ? .identity : ContentCoding(rawValue: name)
  }
}
