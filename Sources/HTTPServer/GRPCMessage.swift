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
  static func isGRPC(contentType: Span<UInt8>) -> Bool {
    contentType.extracting(0..<min(contentType.count, 16)).equals("application/grpc" as StaticString)
  }

  /// The length that the first bytes of a body announce; nil when they are not there yet.
  static func announcedLength(_ body: Span<UInt8>) -> Int? {
    guard body.count >= prefixSize else { return nil }
    return (1..<prefixSize).reduce(0) { $0 << 8 | Int(body[$1]) }
  }

  static func tooLarge(_ length: Int, _ limit: Int) -> HTTPRefusal {
    HTTPRefusal(.bodyTooLarge, "the message has \(length) bytes, more than the \(limit) that are accepted")
  }

  /// What memory for the content of a packed message is asked for first: telemetry shrinks five- to fifteenfold.
  static func firstClaim(_ packedCount: Int) -> Int { packedCount * 16 + 64 << 10 }

  /// Whether the one message in a complete body is packed; or what is wrong with the body.
  static func isPacked(_ body: Span<UInt8>, limit: Int) -> Result<Bool, HTTPRefusal> {
    guard let length = announcedLength(body) else {
      return .failure(HTTPRefusal(.malformed, "the body is too short for a gRPC message: \(body.count) bytes"))
    }
    if length > limit { return .failure(tooLarge(length, limit)) }
    guard body.count == prefixSize + length else {
      let problem = "\(length) bytes are announced, \(body.count - prefixSize) follow"
      return .failure(HTTPRefusal(.malformed, "the body is not one gRPC message: \(problem)"))
    }
    switch body[0] {
    case 0: return .success(false)
    case 1: return .success(true)
    default:
      return .failure(
        HTTPRefusal(.malformed, "the gRPC message begins with \(body[0]), which is neither 0 nor 1"))
    }
  }

  /// The content of the packed message in a complete body.
  ///
  /// - Parameter encoding: the value of `grpc-encoding`.
  static func content(
    _ body: Span<UInt8>, encoding: String?, limit: Int, _ decompressor: inout Decompressor
  ) -> Result<Bytes, HTTPRefusal> {
    switch encoding {
    case "gzip", "zstd":
      do throws(DecompressionError) {
        return .success(
          try decompressor.decompress(
            body.extracting(prefixSize...), as: encoding == "zstd" ? .zstd : .gzip, limit: limit))
      } catch {
        return .failure(Conversation.refusal(for: error))
      }
    case nil, "identity":
      return .failure(
        HTTPRefusal(.messageEncodingMissing, "the gRPC message is compressed, and grpc-encoding does not say how"))
    case let other?:
      return .failure(
        HTTPRefusal(
          .messageEncodingUnsupported, "the grpc-encoding \"\(other)\" is not supported; gzip, zstd and identity are"))
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
