// How servers take over from one another while clients are connected.

import Bytes
import HTTPServer
import System
import Testing

private func answering(_ text: String) -> HTTPHandler {
  { _, reply in reply.send(HTTPResponse(status: 200, contentType: "text/plain", body: Bytes(text))) }
}

extension TestServer {
  /// Lets these servers answer and no others.
  fileprivate func change(to servers: [HTTPServer]) throws -> [String] {
    let opening = try listeners.open(for: servers)
    listeners.serve(opening)
    return opening.addresses
  }
}

@Suite("Listeners", .serialized)
struct ListenersTests {
  @Test("An open connection gets the next server's answers, its gate and its limits")
  func takingOver() throws {
    let server = try TestServer(loops: 2, handler: answering("old"))
    defer { server.stop() }
    let client = try server.client()
    try client.send(post("/a", "x"))
    #expect(try client.response() == ok("old"))
    var limits = Limits()
    limits.bodyBytesMax = 10
    let next = try server.other(
      at: "127.0.0.1:0", limits: limits,
      gate: { $0.path == "/shut" ? .refused(HTTPRefusal(.unauthenticated, "no")) : .admitted },
      handler: answering("new"))
    #expect(try server.change(to: [next]) == [server.address])
    try client.send(post("/a", "x"))
    #expect(try client.response() == ok("new"))
    try client.send(post("/a", "12345678901"))
    #expect(try client.response().hasPrefix("HTTP/1.1 413 "))
    let second = try server.client()
    try second.send(post("/shut", "x"))
    #expect(try second.response().hasPrefix("HTTP/1.1 401 "))
  }

  @Test("A request in flight is answered by the server that has it, also when its listener is gone")
  func inFlight() throws {
    let held = Lock<[Reply]>([])
    let server = try TestServer { _, reply in
      held.withLock { $0.append(reply) }
      held.wakeAll()
    }
    defer { server.stop() }
    let idle = try server.client()
    let half = try server.client()
    try half.send("POST /half HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n1")
    // The loop has read that when it has read this.
    let busy = try server.client()
    try busy.send(post("/held", ""))
    let reply = try #require(held.wait(until: SystemClock().monotonic + .seconds(10)) { $0.first })
    #expect(try server.change(to: []).isEmpty)
    #expect(try idle.rest().isEmpty)
    try half.send("23")
    let refused = try half.rest()
    #expect(refused.hasPrefix("HTTP/1.1 503 ") && refused.contains("Retry-After: 1\r\n"))
    reply.send(HTTPResponse(status: 200, contentType: "text/plain", body: Bytes("late")))
    let last = try busy.rest()
    #expect(last.hasSuffix("late") && last.contains("Connection: close\r\n"))
    let late = try server.client()
    try late.send(post("/late", ""))
    #expect(try late.rest().isEmpty)
  }

  @Test("An address can widen to all interfaces and narrow again on the same port")
  func widening() throws {
    let server = try TestServer()
    defer { server.stop() }
    let port = try #require(ListenAddress(parsing: server.address)).port
    for host in ["0.0.0.0", "", "localhost", "127.0.0.1"] {
      _ = try server.change(to: [server.other(at: "\(host):\(port)", handler: answering("at \(host)"))])
      let client = try TestClient(to: "127.0.0.1:\(port)")
      try client.send(post("/a", ""))
      #expect(try client.response() == ok("at \(host)"))
    }
  }

  @Test("A listener that changes its protocol ends the connections of the old one, and takes new ones")
  func otherSpeech() throws {
    let server = try TestServer(handler: answering("one"))
    defer { server.stop() }
    let client = try server.client()
    try client.send(post("/a", ""))
    #expect(try client.response() == ok("one"))
    #expect(try server.change(to: [server.other(at: "127.0.0.1:0", speech: .http2)]) == [server.address])
    #expect(try client.rest().isEmpty)
    let next = try server.client()
    try next.send(post("/a", ""))
    #expect(try next.response().contains("OTEL_EXPORTER_OTLP_PROTOCOL=grpc"))
  }

  @Test("An address that another process has changes nothing")
  func busyAddress() throws {
    let (server, owner) = (try TestServer(handler: answering("still")), try TestServer())
    defer {
      server.stop()
      owner.stop()
    }
    #expect(throws: ListenError.self) {
      try server.listeners.open(for: [server.other(at: "127.0.0.1:0"), server.other(at: owner.address)])
    }
    let client = try server.client()
    try client.send(post("/a", ""))
    #expect(try client.response() == ok("still"))
  }
}
