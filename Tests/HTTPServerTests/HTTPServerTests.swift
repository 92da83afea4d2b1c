// The server on loopback sockets, as clients see it.

import Bytes
import Compression
import HTTPServer
import Logging
import Reactor
import SelfTelemetry
import System
import Testing

/// A server on a port of its own that answers with the method, the path and the size of the body.
struct TestServer {
  let reactor: Reactor
  let server: HTTPServer
  let address: String
  let metrics = MetricRegistry()

  init(
    loops: Int = 1, limits: Limits = Limits(), clock: any Clock = SystemClock(),
    handler: @escaping HTTPHandler = { request, reply in reply.send(describe(request)) }
  ) throws {
    reactor = try Reactor(loops: loops, clock: clock)
    let address = try #require(ListenAddress(parsing: "127.0.0.1:0"))
    server = HTTPServer(
      reactor: reactor, address: address, limits: limits, handler: handler, metrics: metrics,
      logger: Logger(label: "test"))
    self.address = try server.start()
    try reactor.start()
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
      #expect(response.hasPrefix("HTTP/1.1 200 OK\r\n"))
      #expect(response.hasSuffix("POST \(path) 3"))
    }
    #expect(!client.hasEnded)
  }
}
