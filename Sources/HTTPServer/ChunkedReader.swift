// Undoes the chunked transfer coding, however the bytes are cut.

internal import Bytes

/// Reads one chunked body (RFC 9112 section 7.1): chunks with extensions, the last chunk, trailers.
///
/// Extensions and trailers are checked, bounded, and thrown away.
struct ChunkedReader {
  private enum Phase {
    /// In a chunk's size; how many digits so far.
    case size(digits: Int)
    /// In blanks or an extension behind the size; how many bytes so far.
    case sizeExtension(count: Int)
    case sizeLineFeed
    case data(left: Int)
    case dataReturn
    case dataLineFeed
    case trailers
    case complete
  }

  private static let sizeDigitsMax = 15
  /// More framing than this per byte of body serves nobody but an attacker: a one-byte chunk needs 5.
  private static let framingPerByteMax = 16

  private var phase = Phase.size(digits: 0)
  private var size = 0
  /// Bytes that were not body.
  private var framingCount = 0
  private var trailerCount = 0

  var isComplete: Bool {
    if case .complete = phase { return true }
    return false
  }

  /// Appends what the next bytes hold of the body.
  ///
  /// - Returns: how many bytes of `input` were used. Unused ones belong to the next request, or to a trailer line that
  ///   has not ended yet.
  mutating func read(_ input: Span<UInt8>, into body: inout ByteBuffer, limits: Limits) throws(HTTPRefusal) -> Int {
    var index = 0
    while index < input.count {
      switch phase {
      case .complete: return index
      case .trailers:
        guard let used = try readTrailer(input.extracting(index...), limits) else { return index }
        index += used
      case .data(let left):
        let count = min(left, input.count - index)
        body.append(input.extracting(index..<(index + count)))
        index += count
        phase = count == left ? .dataReturn : .data(left: left - count)
      default:
        try readFraming(input[index], body.count, limits)
        index += 1
      }
    }
    return index
  }

  private mutating func readFraming(_ byte: UInt8, _ bodyCount: Int, _ limits: Limits) throws(HTTPRefusal) {
    framingCount += 1
    if framingCount > limits.headBytesMax + bodyCount * ChunkedReader.framingPerByteMax {
      throw HTTPRefusal(.malformed, "the chunked body has far more framing than data")
    }
    switch phase {
    case .size(let digits): try readSize(byte, digits, bodyCount, limits)
    case .sizeExtension(let count):
      if byte == UInt8(ascii: "\r") {
        phase = .sizeLineFeed
      } else if count == limits.chunkExtensionBytesMax {
        throw HTTPRefusal(.malformed, "a chunk's extension is longer than \(limits.chunkExtensionBytesMax) bytes")
      } else if (byte < 0x20 && byte != UInt8(ascii: "\t")) || byte == 0x7F {
        throw HTTPRefusal(.malformed, "a chunk's extension has a control character")
      } else {
        phase = .sizeExtension(count: count + 1)
      }
    case .sizeLineFeed:
      try expect(UInt8(ascii: "\n"), byte, "a chunk's size is not followed by CR LF")
      phase = size == 0 ? .trailers : .data(left: size)
    case .dataReturn:
      try expect(UInt8(ascii: "\r"), byte, "a chunk is longer than its size")
      phase = .dataLineFeed
    case .dataLineFeed:
      try expect(UInt8(ascii: "\n"), byte, "a chunk is longer than its size")
      size = 0
      phase = .size(digits: 0)
    case .data, .trailers, .complete: break
    }
  }

  private mutating func readSize(
    _ byte: UInt8, _ digits: Int, _ bodyCount: Int, _ limits: Limits
  ) throws(HTTPRefusal) {
    if let digit = ChunkedReader.hexDigit(byte) {
      // Bounded digits also bound leading zeros, and keep the size from overflowing.
      if digits == ChunkedReader.sizeDigitsMax {
        throw HTTPRefusal(.malformed, "a chunk's size has more than \(ChunkedReader.sizeDigitsMax) digits")
      }
      size = size << 4 | digit
      phase = .size(digits: digits + 1)
      return
    }
    if digits == 0 { throw HTTPRefusal(.malformed, "a chunk does not begin with a hexadecimal size") }
    if size > limits.bodyBytesMax - bodyCount {
      throw HTTPRefusal(.bodyTooLarge, "the body is larger than \(limits.bodyBytesMax) bytes")
    }
    switch byte {
    case UInt8(ascii: "\r"): phase = .sizeLineFeed
    case UInt8(ascii: ";"), UInt8(ascii: " "), UInt8(ascii: "\t"): phase = .sizeExtension(count: 1)
    default: throw HTTPRefusal(.malformed, "a chunk's size is not a hexadecimal number")
    }
  }

  /// - Returns: the length of the trailer line with its end, or nil when it has not ended yet.
  private mutating func readTrailer(_ input: Span<UInt8>, _ limits: Limits) throws(HTTPRefusal) -> Int? {
    let end = input.firstIndex(of: UInt8(ascii: "\n"))
    if end ?? input.count > limits.trailerBytesMax - trailerCount {
      throw HTTPRefusal(.headTooLarge, "the trailers are larger than \(limits.trailerBytesMax) bytes")
    }
    guard let end else { return nil }
    guard end > 0 && input[end - 1] == UInt8(ascii: "\r") else {
      throw HTTPRefusal(.malformed, "a trailer line ends with a bare line feed, not with CR LF")
    }
    if end == 1 {
      phase = .complete
    } else {
      _ = try HeaderFields.checkedNameEnd(input.extracting(0..<(end - 1)))
      trailerCount += end + 1
    }
    return end + 1
  }

  private func expect(_ expected: UInt8, _ byte: UInt8, _ message: String) throws(HTTPRefusal) {
    if byte != expected { throw HTTPRefusal(.malformed, message) }
  }

  private static func hexDigit(_ byte: UInt8) -> Int? {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): Int(byte - UInt8(ascii: "0"))
    case UInt8(ascii: "a")...UInt8(ascii: "f"): Int(byte - UInt8(ascii: "a")) + 10
    case UInt8(ascii: "A")...UInt8(ascii: "F"): Int(byte - UInt8(ascii: "A")) + 10
    default: nil
    }
  }
}
