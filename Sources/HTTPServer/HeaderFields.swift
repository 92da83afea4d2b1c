// What the header fields say about the connection and the body.

internal import Bytes

/// Checks header fields one by one and remembers those that decide how the request is read.
struct HeaderFields {
  private(set) var count = 0
  private(set) var hostCount = 0
  private(set) var contentLength: Int?
  private(set) var isChunked = false
  /// nil for a coding we do not have, or several.
  private(set) var coding: ContentCoding? = .identity
  private(set) var expectsContinue = false
  private(set) var saysClose = false
  private(set) var saysKeepAlive = false

  /// Reads one field line without its line end; it is not empty.
  mutating func read(_ line: Span<UInt8>, limits: Limits) throws(HTTPRefusal) {
    count += 1
    if count > limits.fieldsMax {
      throw HTTPRefusal(.headTooLarge, "the request has more than \(limits.fieldsMax) header fields")
    }
    let nameEnd = try HeaderFields.checkedNameEnd(line)
    let name = line.extracting(0..<nameEnd)
    let value = HeadParser.trimmed(line.extracting((nameEnd + 1)...))
    switch nameEnd {
    case 4 where name.equalsIgnoringCase("host"): try readHost(value)
    case 6 where name.equalsIgnoringCase("expect"): try readExpect(value)
    case 10 where name.equalsIgnoringCase("connection"): readConnection(value)
    case 14 where name.equalsIgnoringCase("content-length"): try readContentLength(value)
    case 16 where name.equalsIgnoringCase("content-encoding"): readContentEncoding(value)
    case 17 where name.equalsIgnoringCase("transfer-encoding"): try readTransferEncoding(value)
    default: break
    }
  }

  /// Where the colon is, once name and value have only the characters they may have.
  static func checkedNameEnd(_ line: Span<UInt8>) throws(HTTPRefusal) -> Int {
    // RFC 9112 section 5.2: a line that begins with a blank was once a continuation.
    if line[0] == UInt8(ascii: " ") || line[0] == UInt8(ascii: "\t") {
      throw HTTPRefusal(.malformed, "a header line begins with a blank; folded header lines are not accepted")
    }
    var nameEnd = 0
    while nameEnd < line.count, Characters.isToken(line[nameEnd]) { nameEnd += 1 }
    // RFC 9112 section 5.1: no blank before the colon.
    guard nameEnd > 0, nameEnd < line.count, line[nameEnd] == UInt8(ascii: ":") else {
      throw HTTPRefusal(.malformed, "a header line is not \"name: value\"")
    }
    if line.extracting(nameEnd...).hasControlCharacter {
      let name = line.extracting(0..<nameEnd).text
      throw HTTPRefusal(.malformed, "the value of the header field \(name) has a control character")
    }
    return nameEnd
  }

  /// RFC 9112 section 6: what delimits the body.
  func framing(isHTTP10: Bool) throws(HTTPRefusal) -> HTTPHead.Framing {
    guard isChunked else { return .length(contentLength ?? 0) }
    // RFC 9112 section 6.1: both together, or in HTTP/1.0, are a sign of request smuggling.
    if contentLength != nil {
      throw HTTPRefusal(.malformed, "the request has both Content-Length and Transfer-Encoding")
    }
    if isHTTP10 { throw HTTPRefusal(.malformed, "the request is HTTP/1.0 and has a Transfer-Encoding") }
    return .chunked
  }

  private mutating func readHost(_ value: Span<UInt8>) throws(HTTPRefusal) {
    hostCount += 1
    if hostCount > 1 { throw HTTPRefusal(.malformed, "the header has two Host fields") }
    for index in value.indices {
      switch value[index] {
      // RFC 9112 section 3.2: an invalid value is refused; none of these is in a host or port.
      case UInt8(ascii: " "), UInt8(ascii: "\t"), UInt8(ascii: ","), UInt8(ascii: "/"), UInt8(ascii: "@"),
        UInt8(ascii: "?"), UInt8(ascii: "#"):
        throw HTTPRefusal(.malformed, "the Host field is not a host with an optional port")
      default: break
      }
    }
  }

  private mutating func readExpect(_ value: Span<UInt8>) throws(HTTPRefusal) {
    guard value.equalsIgnoringCase("100-continue") else {
      throw HTTPRefusal(.expectationUnsupported, "the only expectation that can be met is 100-continue")
    }
    expectsContinue = true
  }

  private mutating func readConnection(_ value: Span<UInt8>) {
    var start = 0
    while start <= value.count {
      let end = value.firstIndex(of: UInt8(ascii: ","), from: start) ?? value.count
      let option = HeadParser.trimmed(value.extracting(start..<end))
      if option.equalsIgnoringCase("close") { saysClose = true }
      if option.equalsIgnoringCase("keep-alive") { saysKeepAlive = true }
      start = end + 1
    }
  }

  private mutating func readContentLength(_ value: Span<UInt8>) throws(HTTPRefusal) {
    // RFC 9112 section 6.3 lets us refuse a repeated length even when both are equal.
    if contentLength != nil { throw HTTPRefusal(.malformed, "the header has two Content-Length fields") }
    var length = 0
    for index in value.indices {
      guard Characters.isDigit(value[index]) else {
        throw HTTPRefusal(.malformed, "Content-Length is not a decimal number")
      }
      let (product, overflow) = length.multipliedReportingOverflow(by: 10)
      let (sum, carried) = product.addingReportingOverflow(Int(value[index] - UInt8(ascii: "0")))
      // Far above any limit; the limit refuses it.
      length = overflow || carried ? .max : sum
    }
    if value.isEmpty { throw HTTPRefusal(.malformed, "Content-Length is empty") }
    contentLength = length
  }

  private mutating func readContentEncoding(_ value: Span<UInt8>) {
    // RFC 9110 section 8.4: in several fields as in one. Of several codings we undo none.
    guard !value.isEmpty, let named = ContentCoding(value) else {
      if !value.isEmpty { coding = nil }
      return
    }
    if named != .identity { coding = coding == .identity ? named : nil }
  }

  private mutating func readTransferEncoding(_ value: Span<UInt8>) throws(HTTPRefusal) {
    // RFC 9112 section 6.1: chunked once and last; of other codings we have none.
    if isChunked { throw HTTPRefusal(.malformed, "the header has two Transfer-Encoding fields") }
    guard value.equalsIgnoringCase("chunked") else {
      throw HTTPRefusal(.transferCodingUnsupported, "the only transfer coding supported is chunked")
    }
    isChunked = true
  }
}
