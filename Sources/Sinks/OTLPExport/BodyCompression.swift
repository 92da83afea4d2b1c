// The file's form of compression.

internal import Compression
internal import Config

/// How a body is packed; the Collector knows more ways than are built here.
package enum BodyCompression: String, ConfigChoice {
  case empty = ""
  case none
  case gzip
  case zstd
  case snappy
  case framedSnappy = "x-snappy-framed"
  case zlib
  case deflate
  case lz4

  /// What is sent, named as the other side knows it; nil for nothing packed.
  ///
  /// - Parameter level: as in the file; -1 and 0 mean the fastest.
  func packing(level: Int = -1) -> BodyPacking? {
    let level = max(level, 1)
    return switch self {
    case .empty, .none: nil
    case .zstd: BodyPacking(.zstd, level: level, name: rawValue)
    // The Collector sends the zlib format under both names.
    case .zlib, .deflate: BodyPacking(.zlib, level: level, name: rawValue)
    case .gzip, .snappy, .framedSnappy, .lz4: BodyPacking(.gzip, level: level)
    }
  }

  private var isBuilt: Bool {
    switch self {
    case .snappy, .framedSnappy, .lz4: false
    default: true
    }
  }

  /// Reads `compression`, and warns when something else is sent.
  static func read(_ key: String, into compression: inout BodyCompression, from map: MapReader) {
    map.read(key, into: &compression)
    if !compression.isBuilt {
      map.warn(key, "\(compression.rawValue) is not built into this version of otlpd; gzip is sent instead")
    }
  }
}

/// `compression_params:`.
struct CompressionParameters: ConfigBlock {
  var level = -1

  mutating func read(from map: MapReader) { map.read("level", into: &level) }
}
