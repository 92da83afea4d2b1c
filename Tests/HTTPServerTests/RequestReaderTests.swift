// The reading half of a connection: what it makes of bytes, however they are cut.

import Bytes
import HTTPServer
import Testing

/// What a reader says to `input`, given in pieces: one line per request, "continue" and refusal.
func readAll(_ input: [UInt8], pieces size: Int = .max, limits: Limits = Limits()) -> [String] {
  var reader = RequestReader(limits: limits, peer: "peer")
  var said: [String] = []
  var pending: [UInt8] = []
  var fed = 0
  while fed < input.count {
    let end = size >= input.count - fed ? input.count : fed + size
    pending += input[fed..<end]
    fed = end
    var start = 0
    reading: while true {
      switch reader.next(pending.span, from: &start) {
      case .needMore: break reading
      case .reserve(let room): reader.granted(room)
      case .sendContinue: said.append("continue")
      case .request(let request):
        let close = reader.keepsAlive ? "" : " close"
        said.append("\(request.methodName) \(request.path) \(request.query) [\(request.body.text)]\(close)")
        reader.answered()
      case .refuse(let refusal):
        said.append("\(refusal.status)")
        return said
      }
    }
    pending.removeFirst(start)
  }
  return said
}

func readAll(_ text: String, pieces size: Int = .max, limits: Limits = Limits()) -> [String] {
  readAll(Array(text.utf8), pieces: size, limits: limits)
}

/// A request's head with a Host, around what a test is about.
func head(_ line: String = "POST /v1/traces HTTP/1.1", _ fields: String...) -> String {
  "\(line)\r\nHost: localhost\r\n" + fields.map { $0 + "\r\n" }.joined() + "\r\n"
}

struct ReaderCase: Sendable, CustomTestStringConvertible {
  let name: String
  let input: String
  let said: [String]
  var testDescription: String { name }

  init(_ name: String, _ input: String, _ said: String...) {
    self.name = name
    self.input = input
    self.said = said
  }
}

@Suite("RequestReader")
struct RequestReaderTests {
  static let accepted: [ReaderCase] = [
    ReaderCase("no body", head("GET / HTTP/1.1"), "GET /  []"),
    ReaderCase("a length", head("POST /a HTTP/1.1", "Content-Length: 3") + "abc", "POST /a  [abc]"),
    ReaderCase("leading zeros", head("POST /a HTTP/1.1", "Content-Length: 0003") + "abc", "POST /a  [abc]"),
    ReaderCase("no length and no coding is no body", head("POST /a HTTP/1.1"), "POST /a  []"),
    ReaderCase("a query", head("GET /a?b=c?d HTTP/1.1"), "GET /a b=c?d []"),
    ReaderCase("an empty query", head("GET /a? HTTP/1.1"), "GET /a  []"),
    ReaderCase("an absolute target", head("GET http://h:1/a?b HTTP/1.1"), "GET /a b []"),
    ReaderCase("an absolute target without path", head("GET HTTP://h HTTP/1.1"), "GET /  []"),
    ReaderCase("an absolute target with query only", head("GET http://h?b HTTP/1.1"), "GET / b []"),
    ReaderCase("the whole server", head("OPTIONS * HTTP/1.1"), "OPTIONS *  []"),
    ReaderCase("CONNECT", head("CONNECT h:1 HTTP/1.1"), "CONNECT h:1  []"),
    ReaderCase("an unknown method", head("BREW /a HTTP/1.1"), "BREW /a  []"),
    ReaderCase("methods are case-sensitive", head("post /a HTTP/1.1"), "post /a  []"),
    ReaderCase("empty lines before a request", "\r\n\r\n" + head("GET /a HTTP/1.1"), "GET /a  []"),
    ReaderCase(
      "pipelined requests",
      head("GET /a HTTP/1.1") + head("POST /b HTTP/1.1", "Content-Length: 1") + "x"
        + head("GET /c HTTP/1.1"), "GET /a  []", "POST /b  [x]", "GET /c  []"),
    ReaderCase("close", head("GET / HTTP/1.1", "Connection: foo, Close"), "GET /  [] close"),
    ReaderCase(
      "close in a second field", head("GET / HTTP/1.1", "Connection: a", "connection: close"), "GET /  [] close"),
    ReaderCase("HTTP/1.0 closes", "GET / HTTP/1.0\r\n\r\n", "GET /  [] close"),
    ReaderCase("HTTP/1.0 may keep alive", "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", "GET /  []"),
    ReaderCase("a later minor version", head("GET / HTTP/1.2"), "GET /  []"),
    ReaderCase("values with blanks around", head("GET / HTTP/1.1", "A: \t b \t", "B:", "C:c"), "GET /  []"),
    ReaderCase("non-ASCII values", head("GET / HTTP/1.1", "A: \u{E9}\u{1F600}"), "GET /  []"),
    ReaderCase("an empty Host", "GET / HTTP/1.1\r\nHost:\r\n\r\n", "GET /  []"),
    ReaderCase("chunks", chunked("3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"), "POST /  [abcde]"),
    ReaderCase("no chunks", chunked("0\r\n\r\n"), "POST /  []"),
    ReaderCase(
      "hex in either case", chunked("a\r\n0123456789\r\nA\r\n0123456789\r\n0\r\n\r\n"),
      "POST /  [01234567890123456789]"),
    ReaderCase("leading zeros in sizes", chunked("0003\r\nabc\r\n000\r\n\r\n"), "POST /  [abc]"),
    ReaderCase("extensions", chunked("3;a=b;c=\"d e\"\r\nabc\r\n0 ;x\r\n\r\n"), "POST /  [abc]"),
    ReaderCase("trailers", chunked("1\r\na\r\n0\r\nX: y\r\nZ: \r\n\r\n"), "POST /  [a]"),
    ReaderCase(
      "a request behind trailers", chunked("1\r\na\r\n0\r\nX: y\r\n\r\n") + head("GET /b HTTP/1.1"),
      "POST /  [a]", "GET /b  []"),
    ReaderCase(
      "Chunked in any case", head("POST / HTTP/1.1", "transfer-encoding: CHUNKED") + "0\r\n\r\n", "POST /  []"),
    ReaderCase("x-gzip is known", head("POST / HTTP/1.1", "Content-Encoding: X-GZIP"), "POST /  []"),
    ReaderCase("identity is no coding", head("POST / HTTP/1.1", "Content-Encoding: identity"), "POST /  []"),
    ReaderCase("an empty coding is none", head("POST / HTTP/1.1", "Content-Encoding:"), "POST /  []"),
  ]

  static func chunked(_ body: String) -> String { head("POST / HTTP/1.1", "Transfer-Encoding: chunked") + body }

  static let refused: [ReaderCase] = [
    ReaderCase("no version", "GET /\r\n", "400"),
    ReaderCase("two blanks", "GET  / HTTP/1.1\r\n", "400"),
    ReaderCase("no target", "GET HTTP/1.1\r\n", "400"),
    ReaderCase("four words", "GET / x HTTP/1.1\r\n", "400"),
    ReaderCase("a blank first", " GET / HTTP/1.1\r\n", "400"),
    ReaderCase("a method with a colon", "GE:T / HTTP/1.1\r\n", "400"),
    ReaderCase("a relative target", "GET a HTTP/1.1\r\n", "400"),
    ReaderCase("a tab in the target", "GET /a\tb HTTP/1.1\r\n", "400"),
    ReaderCase("NUL in the target", "GET /a\0b HTTP/1.1\r\n", "400"),
    ReaderCase("a version in lower case", "GET / http/1.1\r\n", "400"),
    ReaderCase("HTTP/0.9", "GET / HTTP/0.9\r\n", "505"),
    ReaderCase("HTTP/2.0", "GET / HTTP/2.0\r\n", "505"),
    ReaderCase("HTTP/1.10", "GET / HTTP/1.10\r\n", "400"),
    ReaderCase("HTTP/2's preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "400"),
    ReaderCase("a TLS handshake", "\u{16}\u{3}\u{1}\u{2}\0", "400"),
    ReaderCase("three empty lines", "\r\n\r\n\r\nGET / HTTP/1.1\r\n", "400"),
    ReaderCase("a bare line feed behind the request line", "GET / HTTP/1.1\nHost: a\r\n\r\n", "400"),
    ReaderCase("a bare line feed behind a field", "GET / HTTP/1.1\r\nHost: a\n\r\n", "400"),
    ReaderCase("a bare line feed at the end", "GET / HTTP/1.1\r\nHost: a\r\n\n", "400"),
    ReaderCase("a carriage return in a value", "GET / HTTP/1.1\r\nHost: a\r\nA: b\rc\r\n\r\n", "400"),
    ReaderCase("NUL in a value", "GET / HTTP/1.1\r\nHost: a\r\nA: b\0c\r\n\r\n", "400"),
    ReaderCase("DEL in a value", "GET / HTTP/1.1\r\nHost: a\r\nA: b\u{7F}c\r\n\r\n", "400"),
    ReaderCase("a folded line", "GET / HTTP/1.1\r\nHost: a\r\nA: b\r\n c\r\n\r\n", "400"),
    ReaderCase("a folded first line", "GET / HTTP/1.1\r\n Host: a\r\n\r\n", "400"),
    ReaderCase("a blank before the colon", "GET / HTTP/1.1\r\nHost : a\r\n\r\n", "400"),
    ReaderCase("no colon", "GET / HTTP/1.1\r\nHost\r\n\r\n", "400"),
    ReaderCase("no name", "GET / HTTP/1.1\r\n: a\r\n\r\n", "400"),
    ReaderCase("a non-ASCII name", "GET / HTTP/1.1\r\nH\u{F6}st: a\r\n\r\n", "400"),
    ReaderCase("no Host", "GET / HTTP/1.1\r\n\r\n", "400"),
    ReaderCase("two Hosts", "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", "400"),
    ReaderCase("a list of Hosts", "GET / HTTP/1.1\r\nHost: a, b\r\n\r\n", "400"),
    ReaderCase("a negative length", head("POST / HTTP/1.1", "Content-Length: -1"), "400"),
    ReaderCase("a length with plus", head("POST / HTTP/1.1", "Content-Length: +1"), "400"),
    ReaderCase("a hexadecimal length", head("POST / HTTP/1.1", "Content-Length: 0x1"), "400"),
    ReaderCase("a length with a comma", head("POST / HTTP/1.1", "Content-Length: 1, 1"), "400"),
    ReaderCase("an empty length", head("POST / HTTP/1.1", "Content-Length:"), "400"),
    ReaderCase("two lengths", head("POST / HTTP/1.1", "Content-Length: 1", "Content-Length: 2"), "400"),
    ReaderCase("an enormous length", head("POST / HTTP/1.1", "Content-Length: 99999999999999999999999"), "413"),
    ReaderCase(
      "both length and coding",
      head("POST / HTTP/1.1", "Content-Length: 1", "Transfer-Encoding: chunked"), "400"),
    ReaderCase(
      "both coding and length",
      head("POST / HTTP/1.1", "Transfer-Encoding: chunked", "Content-Length: 1"), "400"),
    ReaderCase("chunked twice", head("POST / HTTP/1.1", "Transfer-Encoding: chunked, chunked"), "501"),
    ReaderCase(
      "chunked in two fields",
      head("POST / HTTP/1.1", "Transfer-Encoding: chunked", "Transfer-Encoding: chunked"), "400"),
    ReaderCase("gzip as transfer coding", head("POST / HTTP/1.1", "Transfer-Encoding: gzip, chunked"), "501"),
    ReaderCase("identity as transfer coding", head("POST / HTTP/1.1", "Transfer-Encoding: identity"), "501"),
    ReaderCase("an empty transfer coding", head("POST / HTTP/1.1", "Transfer-Encoding:"), "501"),
    ReaderCase("a transfer coding with a tail", head("POST / HTTP/1.1", "Transfer-Encoding: chunkedx"), "501"),
    ReaderCase("a transfer coding in HTTP/1.0", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", "400"),
    ReaderCase("an unknown expectation", head("POST / HTTP/1.1", "Expect: more"), "417"),
    ReaderCase("an unknown content coding", head("POST / HTTP/1.1", "Content-Encoding: br"), "415"),
    ReaderCase("stacked content codings", head("POST / HTTP/1.1", "Content-Encoding: gzip, gzip"), "415"),
    ReaderCase(
      "stacked content coding fields",
      head("POST / HTTP/1.1", "Content-Encoding: gzip", "Content-Encoding: gzip"), "415"),
    ReaderCase("a chunk without size", chunked("\r\n"), "400"),
    ReaderCase("a negative chunk", chunked("-1\r\n"), "400"),
    ReaderCase("a chunk size that is not hexadecimal", chunked("3g\r\n"), "400"),
    ReaderCase("a chunk size with a prefix", chunked("0x3\r\nabc\r\n"), "400"),
    ReaderCase("a chunk size with a blank first", chunked(" 3\r\nabc\r\n"), "400"),
    ReaderCase("a chunk size with too many digits", chunked("0000000000000003\r\n"), "400"),
    ReaderCase("an enormous chunk", chunked("fffffffffffffff\r\n"), "413"),
    ReaderCase("a bare line feed behind a size", chunked("3\nabc\r\n"), "400"),
    ReaderCase("a bare line feed in an extension", chunked("3;a\nabc\r\n"), "400"),
    ReaderCase("a control character in an extension", chunked("3;a\u{1}\r\nabc\r\n"), "400"),
    ReaderCase("an extension without end", chunked("3;" + String(repeating: "a", count: 300)), "400"),
    ReaderCase("a chunk longer than its size", chunked("3\r\nabcd\r\n"), "400"),
    ReaderCase("a chunk shorter than its size", chunked("3\r\nab\r\n0\r\n\r\n"), "400"),
    ReaderCase("a bare line feed behind a chunk", chunked("3\r\nabc\n"), "400"),
    ReaderCase("a trailer without colon", chunked("0\r\nabc\r\n\r\n"), "400"),
    ReaderCase("a bare line feed behind a trailer", chunked("0\r\na: b\n\r\n"), "400"),
    ReaderCase("trailers without end", chunked("0\r\n" + String(repeating: "a: b\r\n", count: 2000)), "431"),
    ReaderCase("a trailer line without end", chunked("0\r\n" + String(repeating: "a", count: 9000)), "431"),
  ]

  @Test("Well-formed requests are read the same however they are cut", arguments: accepted)
  func accepts(_ example: ReaderCase) {
    for size in [Int.max, 1, 2, 3, 7, 50] {
      #expect(readAll(example.input, pieces: size) == example.said, "pieces of \(size)")
    }
  }

  @Test("Malformed requests are refused the same however they are cut", arguments: refused)
  func refuses(_ example: ReaderCase) {
    for size in [Int.max, 1, 2, 3, 7, 50] {
      #expect(readAll(example.input, pieces: size) == example.said, "pieces of \(size)")
    }
  }

  @Test("A request that has not ended asks for more")
  func incomplete() {
    for text in [head() + head("POST / HTTP/1.1", "Content-Length: 3") + "ab", head() + "GET / HTTP/1.1\r\nHos"] {
      #expect(readAll(text) == ["POST /v1/traces  []"])
    }
    #expect(readAll(RequestReaderTests.chunked("3\r\nabc\r\n0\r\nX: y\r\n")).isEmpty)
  }

  @Test("The request line may have 8 KiB and no more")
  func requestLineLimit() {
    for (length, said) in [(8192, "GET"), (8193, "414")] {
      let path = "/" + String(repeating: "a", count: length - "GET / HTTP/1.1".utf8.count)
      for size in [Int.max, 1, 100] {
        let result = readAll(head("GET \(path) HTTP/1.1"), pieces: size)
        #expect(result.count == 1 && result[0].hasPrefix(said))
      }
    }
    #expect(readAll(String(repeating: "a", count: 9000)) == ["414"])
    #expect(readAll(String(repeating: "a", count: 9000), pieces: 1) == ["414"])
  }

  @Test("A field of 8 KiB and 60 fields are normal, 101 fields and 64 KiB are too much")
  func headLimits() {
    let long = "A: " + String(repeating: "b", count: 8192)
    #expect(readAll(head("GET / HTTP/1.1", long)) == ["GET /  []"])
    func fields(_ count: Int) -> String {
      "GET / HTTP/1.1\r\nHost: a\r\n" + (1..<count).map { "A\($0): b\r\n" }.joined() + "\r\n"
    }
    for size in [Int.max, 1, 1000] {
      #expect(readAll(fields(60), pieces: size) == ["GET /  []"])
      #expect(readAll(fields(100), pieces: size) == ["GET /  []"])
      #expect(readAll(fields(101), pieces: size) == ["431"])
    }
    for size in [Int.max, 1, 1000] {
      #expect(readAll(head("GET / HTTP/1.1", "A: " + String(repeating: "b", count: 65536)), pieces: size) == ["431"])
      #expect(readAll("GET / HTTP/1.1\r\nA: " + String(repeating: "b", count: 65536), pieces: size) == ["431"])
    }
  }

  @Test("The body limit holds for lengths and for chunks, to the byte")
  func bodyLimit() {
    var limits = Limits()
    limits.bodyBytesMax = 5
    for size in [Int.max, 1] {
      let exact = head("POST / HTTP/1.1", "Content-Length: 5") + "abcde"
      #expect(readAll(exact, pieces: size, limits: limits) == ["POST /  [abcde]"])
      #expect(readAll(head("POST / HTTP/1.1", "Content-Length: 6"), pieces: size, limits: limits) == ["413"])
      let chunks = RequestReaderTests.chunked("3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n")
      #expect(readAll(chunks, pieces: size, limits: limits) == ["POST /  [abcde]"])
      let more = RequestReaderTests.chunked("3\r\nabc\r\n3\r\ndef\r\n0\r\n\r\n")
      #expect(readAll(more, pieces: size, limits: limits) == ["413"])
    }
  }

  @Test("An expectant client is told to go on, unless the body is here or refused")
  func expectContinue() {
    let expectant = head("POST / HTTP/1.1", "Expect: 100-Continue", "Content-Length: 2")
    #expect(readAll(expectant + "ab", pieces: expectant.utf8.count) == ["continue", "POST /  [ab]"])
    #expect(readAll(expectant + "ab") == ["POST /  [ab]"])
    #expect(readAll(head("POST / HTTP/1.1", "Expect: 100-continue", "Content-Length: 99999999999")) == ["413"])
    #expect(readAll(head("POST / HTTP/1.1", "Expect: 100-continue")) == ["POST /  []"])
    let old = "POST / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n"
    #expect(readAll(old + "a", pieces: old.utf8.count) == ["POST /  [a] close"])
  }

  @Test("Chunks of one byte with long extensions are refused before they cost much")
  func chunkFraming() {
    let chunk = "1;" + String(repeating: "a", count: 200) + "\r\nx\r\n"
    let body = String(repeating: chunk, count: 2000) + "0\r\n\r\n"
    #expect(readAll(RequestReaderTests.chunked(body)) == ["400"])
    let plain = String(repeating: "1\r\nx\r\n", count: 20_000) + "0\r\n\r\n"
    #expect(readAll(RequestReaderTests.chunked(plain)).first?.utf8.count == "POST /  []".utf8.count + 20_000)
  }

  @Test("A body gets what it announces when that is reserved, so that it never moves")
  func announcedLength() {
    var reader = RequestReader(limits: Limits(), peer: "peer")
    var start = 0
    let bytes = Array(head("POST / HTTP/1.1", "Content-Length: 60000000").utf8) + [UInt8](repeating: 1, count: 10)
    guard case .reserve(60_000_000) = reader.next(bytes.span, from: &start) else { return #expect(Bool(false)) }
    reader.granted(60_000_000)
    guard case .needMore = reader.next(bytes.span, from: &start) else { return #expect(Bool(false)) }
    #expect(start == bytes.count && reader.wantsBody)
    let capacity = reader.fill { body, _ in body.capacity }
    #expect(capacity == 60_000_000)
  }

  @Test("A chunked body asks for room as it grows, a few times and never for more than the limit")
  func chunkedRoom() {
    var limits = Limits()
    limits.bodyBytesMax = 1_000_000
    var reader = RequestReader(limits: limits, peer: "peer")
    let chunk = Array("2710\r\n\(String(repeating: "x", count: 10_000))\r\n".utf8)
    var input = Array(head("POST / HTTP/1.1", "Transfer-Encoding: chunked").utf8)
    var asked: [Int] = []
    for _ in 0..<90 {
      input += chunk
      var start = 0
      while case .reserve(let room) = reader.next(input.span, from: &start) {
        asked.append(room)
        reader.granted(room)
      }
      input.removeFirst(start)
    }
    #expect(reader.bodyCount == 900_000)
    #expect(asked == asked.sorted() && asked.count <= 6 && asked.last == 1_000_001)
  }

  @Test("A body filled in place equals one that was copied")
  func filling() {
    var reader = RequestReader(limits: Limits(), peer: "peer")
    let content = [UInt8]((0..<300_000).map { UInt8(truncatingIfNeeded: $0 &* 31) })
    var start = 0
    let header = Array(head("POST / HTTP/1.1", "Content-Length: \(content.count)").utf8)
    _ = reader.next(header.span, from: &start)
    reader.granted(content.count)
    var sent = 0
    while true {
      let count = min(content.count - sent, 10_000)
      let piece = Array(content[sent..<(sent + count)])
      reader.fill { body, maximum in
        #expect(maximum == content.count - sent)
        body.append(piece.span)
      }
      sent += count
      var none = 0
      if case .request(let request) = reader.next([UInt8]().span, from: &none) {
        #expect(request.body.array == content)
        break
      }
    }
    #expect(sent == content.count)
  }

  @Test("A refusal knows the path and the content type as far as they were read")
  func refusalLocation() {
    func refusal(_ text: String) -> HTTPRefusal? {
      var reader = RequestReader(limits: Limits(), peer: "peer")
      var start = 0
      let bytes = Array(text.utf8)
      guard case .refuse(let refusal) = reader.next(bytes.span, from: &start) else { return nil }
      return refusal
    }
    let early = refusal("POST /v1/logs?x HTTP/1.1\r\ncontent-type: application/json\r\nbad line\r\n")
    #expect(early?.path == "/v1/logs" && early?.contentType == "application/json")
    let late = refusal(head("POST /v1/logs HTTP/1.1", "Content-Type:  a/b ", "Content-Length: 99999999999"))
    #expect(late?.path == "/v1/logs" && late?.contentType == "a/b" && late?.reason == .bodyTooLarge)
    #expect(refusal("\u{16}\u{3}")?.reason == .tlsHandshake)
    #expect(refusal("PRI * HTTP/2.0\r\n")?.reason == .http2Preface)
    #expect(refusal("nonsense\r\n")?.path == "")
  }

  @Test("Header fields are found by name in any case")
  func fields() throws {
    let request = try HTTPRequest(
      method: "POST", target: "/a",
      headers: [HTTPHeader("X-One", "1"), HTTPHeader("x-one", "2"), HTTPHeader("Empty", "")])
    #expect(request.header("x-ONE") == "1")
    #expect(request.header("empty") == "")
    #expect(request.header("on") == nil && request.header("x-one: 1") == nil && request.header("missing") == nil)
    #expect(request.method == .post)
  }
}
