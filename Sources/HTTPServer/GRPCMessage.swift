// The length-prefixed message in the body of a gRPC request.

internal import Bytes
internal import Compression

/// A unary gRPC request's one message.
///
/// Source: gRPC over HTTP2, "Length-Prefixed-Message": a byte that tells whether the message is compressed, and its
/// length in four bytes, big-endian.
enum GRPCMessage {
  static let prefixSize = 5
  /// The largest thing that the length can say.
  static let lengthMax = Int(UInt32.max)

  /// Whether a content type is one of gRPC's; which ones are taken is the handler's business.
  static func isGRPC(contentType: String?) -> Bool { contentType?.hasPrefix("application/grpc") == true }

  /// The length that the first bytes of a body announce; nil when they are not there yet.
  static func announcedLength(_ body: Span<UInt8>) -> Int? {
    guard body.count >= prefixSize else { return nil }
    return (1..<prefixSize).reduce(0) { $0 << 8 | Int(body[$1]) }
  }

  static func tooLarge(_ length: Int, _ limit: Int) -> HTTPRefusal {
    HTTPRefusal(.bodyTooLarge, "the message has \(length) bytes, more than the \(limit) that are accepted")
  }

  /// The message of a complete body, without prefix and compression.
  ///
  /// - Parameter encoding: the value of `grpc-encoding`.
  static func unwrap(
    _ body: Bytes, encoding: String?, limit: Int, _ decompressor: inout Decompressor
  ) throws(HTTPRefusal) -> Bytes {
    guard let length = announcedLength(body.span) else {
      throw HTTPRefusal(.malformed, "the body is too short for a gRPC message: \(body.count) bytes")
    }
    if length > limit { throw tooLarge(length, limit) }
    guard body.count == prefixSize + length else {
      throw HTTPRefusal(
        .malformed,
        "the body is not one gRPC message: \(length) bytes are announced, \(body.count - prefixSize) follow")
    }
    let message = body.slice(prefixSize..<body.count)
    switch body[0] {
    case 0: return message
    case 1: return try decompressed(message, encoding: encoding, limit: limit, &decompressor)
    default: throw HTTPRefusal(.malformed, "the gRPC message begins with \(body[0]), which is neither 0 nor 1")
    }
  }

  private static func decompressed(
    _ message: Bytes, encoding: String?, limit: Int, _ decompressor: inout Decompressor
  ) throws(HTTPRefusal) -> Bytes {
    switch encoding {
    case "gzip", "zstd":
      do throws(DecompressionError) {
        return try decompressor.decompress(message.span, as: encoding == "zstd" ? .zstd : .gzip, limit: limit)
      } catch {
        throw Conversation.refusal(for: error)
      }
    case nil, "identity":
      throw HTTPRefusal(.messageEncodingMissing, "the gRPC message is compressed, and grpc-encoding does not say how")
    case let other?:
      throw HTTPRefusal(
        .messageEncodingUnsupported, "the grpc-encoding \"\(other)\" is not supported; gzip, zstd and identity are")
    }
  }

  /// The time that `grpc-timeout` gives a call, in nanoseconds; nil when it is none.
  ///
  /// gRPC over HTTP2, "Requests": at most eight digits, and one of the units H, M, S, m, u, n.
  static func timeout(_ text: String) -> UInt64? {
    let digits = text.utf8.dropLast()
    guard let unit = text.utf8.last, (1...8).contains(digits.count),
      let count = UInt64(String(decoding: digits, as: UTF8.self))
    else { return nil }
    let nanoseconds: UInt64
    switch unit {
    case UInt8(ascii: "H"): nanoseconds = 3_600_000_000_000
    case UInt8(ascii: "M"): nanoseconds = 60_000_000_000
    case UInt8(ascii: "S"): nanoseconds = 1_000_000_000
    case UInt8(ascii: "m"): nanoseconds = 1_000_000
    case UInt8(ascii: "u"): nanoseconds = 1000
    case UInt8(ascii: "n"): nanoseconds = 1
    default: return nil
    }
    let (time, overflow) = count.multipliedReportingOverflow(by: nanoseconds)
    return overflow ? .max : time
  }
}
