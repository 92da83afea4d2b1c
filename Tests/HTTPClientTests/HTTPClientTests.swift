// One request at a time, against a server that does what real ones do, and worse.

import Bytes
import Glibc
import HTTPClient
import LoopbackServer
import System
import Testing

@Suite("HTTPClient")
struct HTTPClientTests {
  private let ok = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nok"

  private func client(
    _ interruption: Interruption = Interruption(), _ change: (inout HTTPClientSettings) -> Void = { _ in }
  ) throws -> HTTPClient {
    var settings = HTTPClientSettings(userAgent: "otlpd/1.2.3 (linux/x86_64)")
    change(&settings)
    return try HTTPClient(settings: settings, interruption: interruption)
  }

  private func serve<Result>(_ steps: [ScriptedServer.Step], _ body: (ScriptedServer) throws -> Result) throws -> Result
  {
    let server = try ScriptedServer(steps)
    defer { server.stop() }
    return try body(server)
  }

  @Test("A request carries the method, the fields, the agent and the body as given")
  func request() throws {
    try serve([.answer(ok)]) { server in
      let fields = [HTTPField("Content-Type", "application/x-protobuf"), HTTPField("x-empty", "")]
      let response = try client().post(
        url: server.url + "/v1/traces", headers: fields, body: Bytes([0, 1, 2, 0xFF]), timeout: .seconds(10))
      #expect(response.status == 200)
      #expect(response.body.text == "ok")
      #expect(response.first("content-TYPE") == "text/plain")
      let lines = server.requests[0].head.split(separator: "\r\n").map(String.init)
      #expect(lines[0] == "POST /v1/traces HTTP/1.1")
      #expect(lines.contains("Content-Type: application/x-protobuf"))
      #expect(lines.contains("User-Agent: otlpd/1.2.3 (linux/x86_64)"))
      #expect(lines.contains("Content-Length: 4"))
      #expect(lines.contains("x-empty:"))
      #expect(server.requests[0].body == [0, 1, 2, 0xFF])
    }
  }

  @Test("A page is asked for with GET and without a body, and a POST after it is a POST again")
  func get() throws {
    try serve([.answer(ok), .answer(ok)]) { server in
      let client = try client()
      let page = try client.get(url: server.url + "/readyz", headers: [], timeout: .seconds(10))
      #expect(page.status == 200 && page.body.text == "ok")
      _ = try client.post(url: server.url + "/x", headers: [], body: Bytes([1]), timeout: .seconds(10))
      #expect(server.requests[0].head.hasPrefix("GET /readyz HTTP/1.1\r\n"))
      #expect(!server.requests[0].head.contains("Content-Length"))
      #expect(server.requests[1].head.hasPrefix("POST /x HTTP/1.1\r\n") && server.requests[1].body == [1])
    }
  }

  @Test("A body above 1 MiB does not wait for 100 Continue, and an empty one is a POST too")
  func bodies() throws {
    try serve([.answer(ok), .answer(ok)]) { server in
      let client = try client()
      let large = Bytes([UInt8](repeating: 7, count: 3 << 20))
      _ = try client.post(url: server.url + "/v1/traces", headers: [], body: large, timeout: .seconds(10))
      _ = try client.post(url: server.url + "/v1/traces", headers: [], body: Bytes(), timeout: .seconds(10))
      #expect(server.requests.map(\.body.count) == [3 << 20, 0])
      #expect(!server.requests[0].head.lowercased().contains("expect"))
      #expect(server.requests[1].head.hasPrefix("POST "))
    }
  }

  @Test("The connection is kept for the next request, unless the settings say otherwise")
  func keepAlive() throws {
    for keeps in [true, false] {
      try serve([.answer(ok), .answer(ok)]) { server in
        let client = try client { $0.keepsConnections = keeps }
        for _ in 0..<2 {
          _ = try client.post(url: server.url + "/v1/traces", headers: [], body: Bytes("x"), timeout: .seconds(10))
        }
        #expect(server.requests.map(\.connection) == (keeps ? [0, 0] : [0, 1]))
      }
    }
  }

  @Test("A kept connection that the server has closed costs nothing: the body is sent again on a new one")
  func deadConnection() throws {
    try serve([.answerAndClose(ok), .answer(ok)]) { server in
      let client = try client()
      _ = try client.post(url: server.url + "/v1/traces", headers: [], body: Bytes("first"), timeout: .seconds(10))
      let second = try client.post(
        url: server.url + "/v1/traces", headers: [], body: Bytes("second"), timeout: .seconds(10))
      #expect(second.status == 200)
      #expect(server.requests.map(\.body) == [Array("first".utf8), Array("second".utf8)])
    }
  }

  @Test("A redirect is an answer: the body goes to no other server")
  func redirect() throws {
    let moved = "HTTP/1.1 307 Temporary Redirect\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n"
    try serve([.answer(moved), .answer(ok)]) { server in
      let response = try client().post(
        url: server.url + "/v1/traces", headers: [], body: Bytes("x"), timeout: .seconds(10))
      #expect(response.status == 307)
      #expect(response.first("location") == "/elsewhere")
      #expect(server.requests.count == 1)
    }
  }

  @Test("Interim responses are skipped, and their fields are not taken for the answer's")
  func interim() throws {
    let answer = "HTTP/1.1 103 Early Hints\r\nRetry-After: 9\r\n\r\n" + ok
    try serve([.answer(answer)]) { server in
      let response = try client().post(
        url: server.url + "/v1/traces", headers: [], body: Bytes("x"), timeout: .seconds(10))
      #expect(response.status == 200)
      #expect(response.first("retry-after") == nil)
    }
  }

  @Test("A response longer than the limit is an error, also one that never ends")
  func responseLimit() throws {
    let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    let piece = "400\r\n" + String(repeating: "x", count: 0x400) + "\r\n"
    try serve([.flood(head: head, piece: piece)]) { server in
      let client = try client { $0.responseBytesMax = 10_000 }
      #expect(throws: HTTPClientError.responseTooLarge(bytesMax: 10_000)) {
        try client.post(url: server.url + "/v1/traces", headers: [], body: Bytes("x"), timeout: .seconds(10))
      }
    }
  }

  @Test("A server that says nothing ends in a time-out")
  func timeout() throws {
    try serve([.silence]) { server in
      let error = try #require(throws: HTTPClientError.self) {
        try client().post(url: server.url + "/v1/traces", headers: [], body: Bytes("x"), timeout: .milliseconds(100))
      }
      guard case .timedOut = error else { throw error }
    }
  }

  @Test("A server that hangs up, refuses the connection or is no HTTP server is a transport failure")
  func transport() throws {
    func failure(_ url: String) throws -> HTTPClientError {
      try #require(throws: HTTPClientError.self) {
        try client().post(url: url, headers: [], body: Bytes("x"), timeout: .seconds(10))
      }
    }
    let odd = [
      "220 smtp.example.com\r\n", "HTTP/1.1 200 OK\r\nCont", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf",
    ]
    var errors = try serve([.hangUp] + odd.map { .answerAndClose($0) }) { server in
      try (0...odd.count).map { _ in try failure(server.url) }
    }
    // Port 1 is reserved, and nobody listens there.
    errors.append(try failure("http://127.0.0.1:1/"))
    for error in errors {
      guard case .transport(let reason) = error else { throw error }
      #expect(!reason.isEmpty)
    }
    #expect(errors.last?.description.contains("127.0.0.1") == true)
  }

  @Test("An interruption ends a request that waits, and refuses later ones")
  func interruption() throws {
    try serve([.silence]) { server in
      let interruption = Interruption()
      let client = try client(interruption)
      let thread = try Thread(name: "interrupt") {
        for _ in 0..<1000 where server.requests.isEmpty { usleep(10_000) }
        interruption.interrupt()
      }
      for _ in 0..<2 {
        #expect(throws: HTTPClientError.interrupted) {
          try client.post(url: server.url + "/v1/traces", headers: [], body: Bytes("x"), timeout: .seconds(60))
        }
      }
      thread.join()
    }
  }

  @Test(
    "A URL or a header that cannot be sent is named, before anything is sent",
    arguments: [
      ("http://127.0.0.1:1/", HTTPField("x", "a\r\nEvil: 1")), ("http://127.0.0.1:1/", HTTPField("a b", "c")),
      ("http://127.0.0.1:1/", HTTPField("", "c")), ("http://[::1/", HTTPField("x", "y")),
      ("gopher://127.0.0.1:1/", HTTPField("x", "y")), ("http://127.0.0.1:1/", HTTPField("x", "a\u{0}")),
    ])
  func unusable(url: String, field: HTTPField) throws {
    let error = try #require(throws: HTTPClientError.self) {
      try client().post(url: url, headers: [field], body: Bytes("x"), timeout: .seconds(10))
    }
    guard case .unusable = error else { throw error }
  }

  @Test("Certificate files are checked when the client is made")
  func certificateFiles() throws {
    let changes: [(inout HTTPClientSettings) -> Void] = [
      { $0.tls.caFile = "/nowhere/ca.pem" }, { $0.tls.certificateFile = "/nowhere/cert.pem" },
      { $0.tls.keyFile = "/nowhere/key.pem" },
    ]
    for change in changes {
      let error = try #require(throws: HTTPClientError.self) { _ = try client(Interruption(), change) }
      guard case .unusable(let reason) = error else { throw error }
      #expect(reason.contains("/nowhere/") && reason.hasSuffix("no such file or directory"))
    }
  }

  @Test("A configured proxy is sent the whole URL; no proxy is used for loopback addresses by default")
  func proxies() throws {
    try serve([.answerAndClose(ok), .answerAndClose(ok)]) { proxy in
      let through = try client { $0.proxy = .url("http://127.0.0.1:\(proxy.port)") }
      _ = try through.post(url: "http://otlp.example/v1/logs", headers: [], body: Bytes("x"), timeout: .seconds(10))
      let direct = try client()
      _ = try direct.post(url: proxy.url + "/v1/traces", headers: [], body: Bytes("x"), timeout: .seconds(10))
      #expect(proxy.requests[0].head.hasPrefix("POST http://otlp.example/v1/logs HTTP/1.1"))
      #expect(proxy.requests[1].head.hasPrefix("POST /v1/traces HTTP/1.1"))
    }
  }
}
