// Why compressed bytes could not be unpacked.

/// A failure that whoever sent the bytes has caused.
package enum DecompressionError: Error, Equatable, Sendable, CustomStringConvertible {
  /// The bytes end before the packed content does.
  case truncated
  /// The bytes are not packed in the format, or a checksum or length in them is wrong.
  case corrupt
  /// The content is larger than the caller allows, in bytes.
  case tooLarge(limit: Int)
  /// Unpacking needs more memory than anybody's content should.
  case windowTooLarge

  package var description: String {
    switch self {
    case .truncated: "the compressed data ends too early"
    case .corrupt: "the compressed data is corrupt"
    case .tooLarge(let limit): "the unpacked content is larger than \(limit) bytes"
    case .windowTooLarge: "the compressed data asks for a window of more than 8 MiB"
    }
  }
}
