// The server on loopback sockets, as clients see it.

import Bytes
import Compression
import HTTPServer
import Logging
import Reactor
import SelfTelemetry
import System
import TLS
import Testing

/// A server on a port of its own that answers with the method, the path and the size of the body.
struct TestServer {
  let reactor: Reactor
  let listeners: Listeners
  let address: String
  let metrics = MetricRegistry()
  let shared: SharedResources
  private let clock: any Clock

  init(
    loops: Int = 1, limits: Limits = Limits(), memory: Int = 256 << 20, tls: TLSServer? = nil,
    listen: String = "127.0.0.1:0", clock: any Clock = SystemClock(),
    handler: @escaping HTTPHandler = { request, reply in reply.send(describe(request)) }
  ) throws {
    self.clock = clock
    reactor = try Reactor(loops: loops, clock: clock)
    listeners = Listeners(reactor: reactor)
    let address = listen.hasPrefix("/") ? ListenAddress(path: listen) : try #require(ListenAddress(parsing: listen))
    let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
    shared = SharedResources(memoryBytesMax: memory, metrics: metrics, logger: logger, clock: clock)
    let server = HTTPServer(
      name: "test", address: address, tls: tls, limits: limits, handler: handler, shared: shared, metrics: metrics,
      logger: logger, clock: clock)
    let opening = try listeners.open(for: [server])
    self.address = opening.addresses[0]
    try reactor.start()
    listeners.serve(opening)
  }

  /// Another server on the same loops.
  func other(
    at listen: String, speech: HTTPSpeech = .http1, limits: Limits = Limits(), gate: HTTPGate? = nil,
    handler: @escaping HTTPHandler = { request, reply in reply.send(describe(request)) }
  ) throws -> HTTPServer {
    HTTPServer(
      name: "test", address: try #require(ListenAddress(parsing: listen)), speech: speech, limits: limits, gate: gate,
      handler: handler, shared: shared, metrics: metrics, logger: Logger(label: "test"), clock: clock)
  }

  func client() throws -> TestClient { try TestClient(to: address) }

  func stop() { reactor.stop(deadline: .seconds(0)) }
}

func describe(_ request: HTTPRequest) -> HTTPResponse {
  HTTPResponse(
    status: 200, contentType: "text/plain",
    body: Bytes("\(request.methodName) \(request.path) \(request.body.count)"))
}

func post(_ path: String, _ body: String, _ headers: String = "") -> String {
  "POST \(path) HTTP/1.1\r\nHost: a\r\n\(headers)Content-Length: \(body.utf8.count)\r\n\r\n\(body)"
}

func ok(_ body: String) -> String {
  "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)"
}

@Suite("HTTPServer", .serialized)
struct HTTPServerTests {
  @Test("A request is answered and the connection stays open for the next")
  func keepAlive() throws {
    let server = try TestServer()
    defer { server.stop() }
    let client = try server.client()
    for path in ["/one", "/two"] {
      try client.send(post(path, "abc"))
      let response = try client.response()
      #expect(response == ok("POST \(path) 3"))
    }
    #expect(!client.hasEnded)
  }

  @Test("Pipelined requests are answered in order, also when the answers come from other threads out of order")
  func pipelining() throws {
    let held = Lock<[(HTTPRequest, Reply)]>([])
    let server = try TestServer(loops: 2) { request, reply in
      held.withLock { $0.append((request, reply)) }
      held.wakeAll()
    }
    defer { server.stop() }
    let client = try server.client()
    try client.send((1...20).map { post("/\($0)", "x") }.joined())
    for number in 1...20 {
      // Only one request of a connection is ever in flight.
      let waiting = held.wait(until: SystemClock().monotonic + .seconds(10)) { $0.isEmpty ? nil : $0.removeFirst() }
      let (request, reply) = try #require(waiting)
      #expect(request.path == "/\(number)")
      #expect(held.withLock { $0.isEmpty })
      reply.send(describe(request))
      reply.send(HTTPResponse(status: 500, contentType: "", body: Bytes()))
      #expect(try client.response() == ok("POST /\(number) 1"))
    }
  }

  @Test("A request cut into single bytes is served")
  func split() throws {
    let server = try TestServer()
    defer { server.stop() }
    let client = try server.client()
    for byte in post("/a", "hello").utf8 { try client.send(Bytes(CollectionOfOne(byte))) }
    #expect(try client.response() == ok("POST /a 5"))
  }

  @Test("A large body arrives whole, by length and in chunks", arguments: [1, 100_000, 5_000_000])
  func largeBodies(size: Int) throws {
    let content = (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 131 >> 3) }
    let body = Bytes(content)
    let server = try TestServer { request, reply in
      reply.send(HTTPResponse(status: request.body == body ? 200 : 500, contentType: "", body: Bytes()))
    }
    defer { server.stop() }
    let client = try server.client()
    try client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: \(size)\r\n\r\n")
    try client.send(body)
    #expect(try client.response().hasPrefix("HTTP/1.1 200"))
    try client.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
    for start in stride(from: 0, to: size, by: 70_000) {
      let end = min(size, start + 70_000)
      try client.send(String(end - start, radix: 16) + "\r\n")
      try client.send(body.slice(start..<end))
      try client.send("\r\n")
    }
    try client.send("0\r\nX: y\r\n\r\n")
    #expect(try client.response().hasPrefix("HTTP/1.1 200"))
  }

  @Test("gzip bodies are unpacked before the handler sees them")
  func gzip() throws {
    let server = try TestServer { request, reply in
      reply.send(HTTPResponse(status: 200, contentType: "text/plain", body: request.body))
    }
    defer { server.stop() }
    let client = try server.client()
    let packed = Gzip.compress(Bytes("hello, hello, hello"))
    for _ in 0..<2 {
      try client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Encoding: GZip\r\nContent-Length: \(packed.count)\r\n\r\n")
      try client.send(packed)
      #expect(try client.response() == ok("hello, hello, hello"))
    }
  }

  @Test("Broken gzip is refused and the connection stays open")
  func brokenGzip() throws {
    let server = try TestServer()
    defer { server.stop() }
    let client = try server.client()
    let packed = Gzip.compress(Bytes("hello")).array.dropLast(3)
    try client.send("POST /a HTTP/1.1\r\nHost: a\r\nContent-Encoding: gzip\r\nContent-Length: \(packed.count)\r\n\r\n")
    try client.send(Bytes(packed))
    let response = try client.response()
    #expect(
      response.hasPrefix("HTTP/1.1 400 Bad Request\r\n") && response.hasSuffix("the compressed data ends too early\n"))
    try client.send(post("/b", ""))
    #expect(try client.response() == ok("POST /b 0"))
  }

  @Test("A body above the limit is refused with 413, packed or not, and the client can read that")
  func tooLarge() throws {
    var limits = Limits()
    limits.bodyBytesMax = 100_000
    let server = try TestServer(limits: limits)
    defer { server.stop() }
    let bomb = try server.client()
    let packed = Gzip.compress(Bytes([UInt8](repeating: 0, count: 100_001)))
    try bomb.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Encoding: gzip\r\nContent-Length: \(packed.count)\r\n\r\n")
    try bomb.send(packed)
    #expect(try bomb.response().hasPrefix("HTTP/1.1 413 Content Too Large\r\n"))

    let sender = try server.client()
    try sender.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3000000\r\n\r\n")
    try sender.send(Bytes([UInt8](repeating: 1, count: 3_000_000)))
    #expect(try sender.response().hasPrefix("HTTP/1.1 413 Content Too Large\r\n"))
    sender.endSending()
    #expect(try sender.rest().isEmpty)

    let expectant = try server.client()
    try expectant.send("POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3000000\r\n\r\n")
    #expect(try expectant.response().hasPrefix("HTTP/1.1 413 Content Too Large\r\n"))
  }

  @Test("An expectant client gets 100 Continue and then the answer")
  func expectContinue() throws {
    let server = try TestServer()
    defer { server.stop() }
    let client = try server.client()
    try client.send("POST /a HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n")
    #expect(try client.response() == "HTTP/1.1 100 Continue\r\n\r\n")
    try client.send("ab")
    #expect(try client.response() == ok("POST /a 2"))
  }

  @Test("Malformed requests are answered and the connection is closed")
  func malformed() throws {
    let server = try TestServer()
    defer { server.stop() }
    let cases = [
      ("GET / HTTP/1.1\n\n", "400"), ("\u{16}\u{3}\u{1}\u{2}\0\u{1}", "400"),
      ("GET / HTTP/3.0\r\n\r\n", "505"),
      ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n", "501"),
    ]
    for (text, status) in cases {
      let client = try server.client()
      try client.send(text + "and more that nobody reads")
      client.endSending()
      let response = try client.rest()
      #expect(response.hasPrefix("HTTP/1.1 \(status) ") && response.contains("\r\nConnection: close\r\n"))
    }
  }

  @Test("A client that begins with HTTP/2 is told that the port speaks HTTP/1.1, and counted")
  func http2Preface() throws {
    let server = try TestServer()
    defer { server.stop() }
    let client = try server.client()
    try client.send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n and more that nobody reads")
    client.endSending()
    let response = try client.rest()
    #expect(response.hasPrefix("HTTP/1.1 400 ") && response.contains("use the gRPC port (4317)"))
    let counter = server.metrics.counter(
      "otlpd_misdirected_requests", help: "", labels: [Label("kind", "http2_on_http")])
    #expect(counter.value == 1)
  }

  @Test("An unsupported coding is refused with those that are supported")
  func unsupportedCoding() throws {
    let server = try TestServer()
    defer { server.stop() }
    let client = try server.client()
    try client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Encoding: snappy\r\nContent-Length: 1\r\n\r\nx")
    let response = try client.response()
    #expect(
      response.hasPrefix("HTTP/1.1 415 ")
        && response.contains("\r\nAccept-Encoding: identity, gzip, deflate, zlib, zstd\r\n"))
  }

  @Test("HEAD gets no body, HTTP/1.0 a closed connection, and Connection: close is honoured")
  func lastRequests() throws {
    let server = try TestServer()
    defer { server.stop() }
    let head = try server.client()
    try head.send("HEAD /a HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
    let response = try head.rest()
    #expect(response.hasSuffix("\r\n\r\n") && response.contains("Content-Length: 9\r\n"))
    let old = try server.client()
    try old.send("GET /a HTTP/1.0\r\n\r\n")
    #expect(try old.rest().hasSuffix("Connection: close\r\n\r\nGET /a 0"))
    let kept = try server.client()
    try kept.send("GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
    #expect(try kept.response().contains("\r\nConnection: keep-alive\r\n"))
  }

  @Test("A client that ends its side early still gets its answers")
  func halfClosed() throws {
    let server = try TestServer()
    defer { server.stop() }
    let client = try server.client()
    try client.send(post("/a", "x") + post("/b", "y"))
    client.endSending()
    #expect(try client.rest() == ok("POST /a 1") + ok("POST /b 1"))
    let cut = try server.client()
    try cut.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nab")
    cut.endSending()
    #expect(try cut.rest().hasPrefix("HTTP/1.1 400 "))
  }

  @Test("A slow reader stops being read, then gets everything in order")
  func slowReader() throws {
    let answer = Bytes([UInt8](repeating: UInt8(ascii: "a"), count: 100_000))
    let handled = Lock(0)
    let server = try TestServer { _, reply in
      handled.withLock { $0 += 1 }
      reply.send(HTTPResponse(status: 200, contentType: "", body: answer))
    }
    defer { server.stop() }
    let client = try server.client()
    let requests = 400
    try client.send(String(repeating: "GET / HTTP/1.1\r\nHost: a\r\n\r\n", count: requests))
    client.endSending()
    let all = try client.rest()
    #expect(
      all.utf8.count == requests * (answer.count + "HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n".utf8.count))
    #expect(handled.withLock { $0 } == requests)
  }

  @Test("A client that sends without reading is held back")
  func floodWithoutReading() throws {
    let answer = Bytes([UInt8](repeating: UInt8(ascii: "a"), count: 1_000_000))
    let server = try TestServer { _, reply in
      reply.send(HTTPResponse(status: 200, contentType: "", body: answer))
    }
    defer { server.stop() }
    let client = try server.client()
    let flood = Bytes(String(repeating: "GET / HTTP/1.1\r\nHost: a\r\n\r\n", count: 10_000))
    var sent = 0
    var refusals = 0
    // Loopback buffers take a few megabytes; without back-pressure the client could send for ever.
    while refusals < 20 && sent < 500 << 20 {
      let count = client.sendSome(flood)
      sent += count
      if count == 0 {
        refusals += 1
        // Another connection is served meanwhile.
        let other = try server.client()
        try other.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        #expect(try other.response().hasPrefix("HTTP/1.1 200"))
      }
    }
    #expect(refusals == 20)
  }

  @Test("Too many connections are turned away with 503")
  func connectionLimit() throws {
    var limits = Limits()
    limits.connectionsMax = 2
    let server = try TestServer(limits: limits)
    defer { server.stop() }
    var clients: [TestClient] = []
    for _ in 0..<2 {
      let client = try server.client()
      try client.send(post("/", ""))
      _ = try client.response()
      clients.append(client)
    }
    let third = try server.client()
    let response = try third.rest()
    #expect(response.hasPrefix("HTTP/1.1 503 ") && response.contains("\r\nRetry-After: 1\r\n"))
    let text = server.metrics.render()
    #expect(text.contains("otlpd_connections 2\n"))
    #expect(text.contains("otlpd_connections_refused{reason=\"limit\"} 1\n"))
    #expect(text.contains("otlpd_http_requests{code=\"200\"} 2\n"))
  }
}
