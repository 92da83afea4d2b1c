// A request's first line: method, target, version.

internal import Bytes

/// A checked request line (RFC 9112 section 3). The ranges count from the beginning of the line.
struct RequestLine {
  let method: HTTPMethod
  let methodRange: Range<Int>
  let pathRange: Range<Int>
  let queryRange: Range<Int>
  let isHTTP10: Bool
  /// Without the line end.
  let length: Int

  init(_ line: Span<UInt8>) throws(HTTPRefusal) {
    if line.equals("PRI * HTTP/2.0") {
      throw HTTPRefusal(.http2Preface, MisdirectedRequests.Kind.http2OnHTTP.advice)
    }
    guard let methodEnd = line.firstIndex(of: UInt8(ascii: " ")), methodEnd > 0,
      let targetEnd = line.firstIndex(of: UInt8(ascii: " "), from: methodEnd + 1), targetEnd > methodEnd + 1
    else {
      throw HTTPRefusal(.malformed, "the request line is not \"method target version\"")
    }
    let token = line.extracting(0..<methodEnd)
    for index in token.indices where !Characters.isToken(token[index]) {
      throw HTTPRefusal(.malformed, "the request's method has a character that no method may have")
    }
    let target = line.extracting((methodEnd + 1)..<targetEnd)
    for index in target.indices where target[index] <= 0x20 || target[index] == 0x7F {
      throw HTTPRefusal(.malformed, "the request's target has a control character")
    }
    isHTTP10 = try RequestLine.isHTTP10(line.extracting((targetEnd + 1)...))
    method = HTTPMethod(token)
    methodRange = 0..<methodEnd
    length = line.count
    let pathStart = try RequestLine.pathStart(target, method)
    let question = target.firstIndex(of: UInt8(ascii: "?"), from: pathStart) ?? target.count
    pathRange = (methodEnd + 1 + pathStart)..<(methodEnd + 1 + question)
    queryRange = (methodEnd + 1 + min(question + 1, target.count))..<targetEnd
  }

  private static func isHTTP10(_ version: Span<UInt8>) throws(HTTPRefusal) -> Bool {
    // RFC 9112 section 2.3: HTTP-version = "HTTP/" DIGIT "." DIGIT
    guard version.count == 8, version.extracting(0..<5).equals("HTTP/"), version[6] == UInt8(ascii: "."),
      Characters.isDigit(version[5]), Characters.isDigit(version[7])
    else {
      throw HTTPRefusal(.malformed, "the request line does not end with an HTTP version")
    }
    guard version[5] == UInt8(ascii: "1") else {
      throw HTTPRefusal(.versionUnsupported, "the request is neither HTTP/1.1 nor HTTP/1.0")
    }
    return version[7] == UInt8(ascii: "0")
  }

  /// Where the path begins: RFC 9112 section 3.2's four forms of a target.
  private static func pathStart(_ target: Span<UInt8>, _ method: HTTPMethod) throws(HTTPRefusal) -> Int {
    if target[0] == UInt8(ascii: "/") { return 0 }
    if target.equals("*") { return 0 }
    for scheme in ["http://", "https://"] {
      let length = scheme.utf8.count
      guard target.count > length, target.extracting(0..<length).equalsIgnoringCase(scheme) else { continue }
      // A path left out is "/", but bytes that were not sent cannot be pointed at: it stays empty.
      return target.firstIndex(of: UInt8(ascii: "/"), from: length)
        ?? target.firstIndex(of: UInt8(ascii: "?"), from: length) ?? target.count
    }
    // The authority of CONNECT counts as the path, which no handler has.
    if method == .connect { return 0 }
    throw HTTPRefusal(.malformed, "the request's target is neither a path nor an absolute URL")
  }
}
