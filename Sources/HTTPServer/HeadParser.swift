// Reads a request line and header fields, line by line, as they arrive.

internal import Bytes

/// Parses one request's head (RFC 9112 sections 2 to 6), strictly: what two servers could read differently is refused.
///
/// Fed again with the same bytes and more of them, it goes on where it stopped, so every line is looked at once and the
/// result does not depend on how the bytes were cut.
struct HeadParser {
  /// RFC 9112 section 2.2: a server should ignore an empty line before the request line; a client may send two.
  private static let emptyLinesMax = 2

  /// Where the line begins that has not been read yet.
  private var lineStart = 0
  /// No line feed is between `lineStart` and here.
  private var searched = 0
  private var emptyLines = 0
  private var requestLine: RequestLine?
  private var fields = HeaderFields()

  /// How many bytes the head took, with its empty line, once `parse` has returned it.
  private(set) var length = 0

  /// Where the request line begins.
  private var headStart: Int { 2 * emptyLines }

  /// Reads as many lines as there are.
  ///
  /// - Parameter input: everything since the end of the last request.
  /// - Returns: the head when it is complete.
  mutating func parse(_ input: Span<UInt8>, limits: Limits) throws(HTTPRefusal) -> HTTPHead? {
    // RFC 8446 section 5.1: a TLS connection begins with a handshake record, type 22.
    if lineStart == 0 && input.count > 0 && input[0] == 22 {
      throw HTTPRefusal(.tlsHandshake, "this port speaks plain HTTP; the client sent a TLS handshake (https://)")
    }
    while true {
      guard let end = input.firstIndex(of: UInt8(ascii: "\n"), from: searched) else {
        searched = input.count
        try checkSize(input.count, limits)
        return nil
      }
      try checkSize(end, limits)
      guard end > lineStart && input[end - 1] == UInt8(ascii: "\r") else {
        throw HTTPRefusal(.malformed, "a line of the header ends with a bare line feed, not with CR LF")
      }
      let line = input.extracting(lineStart..<(end - 1))
      lineStart = end + 1
      searched = lineStart
      if requestLine == nil {
        try readFirst(line)
      } else if line.isEmpty {
        length = lineStart
        return try head(input.extracting(headStart..<(end - 1)))
      } else {
        try fields.read(line, limits: limits)
      }
    }
  }

  /// - Parameter end: the line goes on at least to here.
  private func checkSize(_ end: Int, _ limits: Limits) throws(HTTPRefusal) {
    if requestLine == nil {
      // The line's CR is not counted.
      if end - lineStart > limits.requestLineBytesMax + 1 {
        throw HTTPRefusal(.targetTooLong, "the request line is longer than \(limits.requestLineBytesMax) bytes")
      }
    } else if end >= limits.headBytesMax {
      throw HTTPRefusal(.headTooLarge, "the request's header is larger than \(limits.headBytesMax) bytes")
    }
  }

  private mutating func readFirst(_ line: Span<UInt8>) throws(HTTPRefusal) {
    if line.isEmpty {
      emptyLines += 1
      if emptyLines > HeadParser.emptyLinesMax {
        throw HTTPRefusal(.malformed, "there are empty lines where a request line was expected")
      }
    } else {
      requestLine = try RequestLine(line)
    }
  }

  private func head(_ bytes: Span<UInt8>) throws(HTTPRefusal) -> HTTPHead {
    guard let requestLine else { preconditionFailure("a header ends behind its request line") }
    // RFC 9112 section 3.2: HTTP/1.1 needs exactly one Host.
    if !requestLine.isHTTP10 && fields.hostCount == 0 {
      throw HTTPRefusal(.malformed, "the header has no Host field")
    }
    return HTTPHead(
      bytes: Bytes(copying: bytes),
      method: requestLine.method,
      methodRange: requestLine.methodRange,
      pathRange: requestLine.pathRange,
      queryRange: requestLine.queryRange,
      fieldsStart: requestLine.length + 2,
      isHTTP10: requestLine.isHTTP10,
      framing: try fields.framing(isHTTP10: requestLine.isHTTP10),
      coding: fields.coding,
      // RFC 9110 section 10.1.1: an HTTP/1.0 client's expectation is ignored.
      expectsContinue: fields.expectsContinue && !requestLine.isHTTP10,
      keepsAlive: requestLine.isHTTP10 ? fields.saysKeepAlive && !fields.saysClose : !fields.saysClose)
  }

  /// What is known of the request that `refusal` stopped, added to it.
  ///
  /// - Parameter input: what `parse` was given last.
  func located(_ refusal: HTTPRefusal, in input: Span<UInt8>) -> HTTPRefusal {
    guard let requestLine else { return refusal }
    var located = refusal
    let head = input.extracting(headStart..<lineStart)
    located.path = head.extracting(requestLine.pathRange).text
    located.contentType = HTTPHead.value(of: "content-type", in: head.extracting((requestLine.length + 2)...))
    return located
  }

  /// The bytes without spaces and tabs around them (RFC 9110 section 5.6.3, and a line's CR).
  @_lifetime(copy bytes)
  static func trimmed(_ bytes: Span<UInt8>) -> Span<UInt8> {
    var (start, end) = (0, bytes.count)
    while start < end, isBlank(bytes[start]) { start += 1 }
    while end > start, isBlank(bytes[end - 1]) { end -= 1 }
    return bytes.extracting(start..<end)
  }

  private static func isBlank(_ byte: UInt8) -> Bool {
    byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") || byte == UInt8(ascii: "\r")
  }
}
