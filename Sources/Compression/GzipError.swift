// Why compressed bytes could not be unpacked.

/// A failure that whoever sent the bytes has caused.
package enum GzipError: Error, Equatable, Sendable, CustomStringConvertible {
  /// The bytes end before the gzip stream does.
  case truncated
  /// The bytes are no gzip, or a checksum or length in them is wrong.
  case corrupt
  /// The content is larger than the caller allows, in bytes.
  case tooLarge(limit: Int)

  package var description: String {
    switch self {
    case .truncated: "the gzip data ends too early"
    case .corrupt: "the gzip data is corrupt"
    case .tooLarge(let limit): "the unpacked content is larger than \(limit) bytes"
    }
  }
}
