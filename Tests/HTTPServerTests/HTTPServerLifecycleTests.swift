// How the server begins, waits and ends.

import Bytes
import HTTPServer
import Logging
import Reactor
import SelfTelemetry
import System
import Testing

@Suite("HTTPServer's life", .serialized)
struct HTTPServerLifecycleTests {
  @Test("A taken address is named, and a second server does not listen beside the first")
  func busyAddress() throws {
    let server = try TestServer()
    defer { server.stop() }
    let second = Listeners(reactor: server.reactor)
    let error = #expect(throws: ListenError.self) { try second.open(for: [server.other(at: server.address)]) }
    #expect(error?.description.hasPrefix("cannot listen on \(server.address): address already in use. ") == true)
  }

  @Test("After stopAccepting nobody is taken, and open connections are served")
  func stopAccepting() throws {
    let server = try TestServer(loops: 2)
    defer { server.stop() }
    let client = try server.client()
    try client.send(post("/a", ""))
    _ = try client.response()
    server.listeners.stopAccepting()
    let late = try server.client()
    try late.send(post("/late", ""))
    #expect(try late.rest().isEmpty)
    try client.send(post("/b", ""))
    #expect(try client.response().hasSuffix("POST /b 0"))
    let next = Listeners(reactor: server.reactor)
    #expect(try next.open(for: [server.other(at: server.address)]).addresses == [server.address])
  }

  @Test("Stopping closes idle connections, lets a request in flight be answered, and announces the close")
  func drain() throws {
    let held = Lock<(HTTPRequest, Reply)?>(nil)
    let server = try TestServer { request, reply in
      if request.path == "/now" { return reply.send(describe(request)) }
      held.withLock { $0 = (request, reply) }
      held.wakeAll()
    }
    let idle = try server.client()
    try idle.send(post("/now", ""))
    _ = try idle.response()
    let busy = try server.client()
    try busy.send(post("/held", "abc"))
    let waiting = held.wait(until: SystemClock().monotonic + .seconds(10)) { $0 }
    let (request, reply) = try #require(waiting)
    let stopping = try Thread(name: "stop") { server.reactor.stop(deadline: .seconds(30)) }
    #expect(try idle.rest().isEmpty)
    reply.send(describe(request))
    let last = try busy.rest()
    #expect(last.contains("\r\nConnection: close\r\n") && last.hasSuffix("POST /held 3"))
    stopping.join()
    reply.send(describe(request))
  }

  @Test("Stopping gives up on requests that are not answered by the deadline")
  func drainDeadline() throws {
    let server = try TestServer { _, _ in }
    let client = try server.client()
    try client.send(post("/never", ""))
    while !server.metrics.render().contains("otlpd_connections 1\n") {}
    server.reactor.stop(deadline: .milliseconds(20))
    #expect(try client.rest().isEmpty)
    #expect(server.metrics.render().contains("otlpd_connections 0\n"))
  }

  @Test("A header and a body that never end are given up, and quiet connections are closed")
  func deadlines() throws {
    let clock = ManualClock()
    let server = try TestServer(clock: clock) { _, _ in }
    defer { server.stop() }
    let idle = try server.client()
    let head = try server.client()
    try head.send("POST / HTTP/1.1\r\n")
    let body = try server.client()
    try body.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nab")
    let unanswered = try server.client()
    try unanswered.send(post("/", ""))
    // The loops have read everything once a later connection has got its refusal.
    let last = try server.client()
    try last.send("nonsense\r\n")
    #expect(try last.response().hasPrefix("HTTP/1.1 400"))

    pass(.seconds(10), clock, server)
    #expect(try head.response().hasPrefix("HTTP/1.1 408 "))
    pass(.seconds(20), clock, server)
    #expect(try body.response().hasPrefix("HTTP/1.1 408 "))
    pass(.seconds(30), clock, server)
    let overdue = try unanswered.response()
    #expect(overdue.hasPrefix("HTTP/1.1 503 ") && overdue.contains("\r\nRetry-After: 1\r\n"))
    #expect(try idle.rest().isEmpty)
  }

  @Test("A slow sender of a large body earns time with every byte, and saves none up")
  func slowSender() throws {
    let clock = ManualClock()
    var limits = Limits()
    limits.bodyBytesPerSecondMin = 100
    let server = try TestServer(limits: limits, clock: clock)
    defer { server.stop() }
    let begin = "POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 19000\r\n\r\n"
    let hasty = try server.client()
    try hasty.send(begin + String(repeating: "x", count: 18_000))
    let steady = try server.client()
    try steady.send(begin + String(repeating: "x", count: 1000))
    for _ in 0..<18 {
      try settle(server)
      pass(.seconds(9), clock, server)
      try steady.send(String(repeating: "x", count: 1000))
    }
    #expect(try steady.response().hasSuffix("POST /a 19000"))
    #expect(try hasty.response().hasPrefix("HTTP/1.1 408 "))
  }

  @Test("A reader that takes nothing of its answer is given up")
  func stuckReader() throws {
    let clock = ManualClock()
    let server = try TestServer(clock: clock) { request, reply in
      if request.path != "/large" { return reply.send(describe(request)) }
      reply.send(HTTPResponse(status: 200, contentType: "", body: Bytes([UInt8](repeating: 0, count: 32 << 20))))
    }
    defer { server.stop() }
    let client = try server.client()
    try client.send(post("/large", ""))
    try settle(server)
    pass(.seconds(31), clock, server)
    #expect(try client.rest().utf8.count < 32 << 20)
  }

  @Test("Many idle connections cost no buffer and all are served")
  func idleCrowd() throws {
    let server = try TestServer(loops: 2)
    defer { server.stop() }
    let clients = try (0..<200).map { _ in try server.client() }
    for _ in 0..<2 {
      for client in clients { try client.send(post("/a", "x")) }
      for client in clients { #expect(try client.response().hasSuffix("POST /a 1")) }
    }
    // The optimiser may close what is not used any more.
    withExtendedLifetime(clients) { #expect(server.metrics.render().contains("otlpd_connections 200\n")) }
  }

  /// Moves the clock and lets the loops see it.
  private func pass(_ time: Duration, _ clock: ManualClock, _ server: TestServer) {
    clock.advance(by: time)
    server.reactor.onEveryLoop { _ in }
  }

  /// Returns when the one loop has read what was sent before.
  private func settle(_ server: TestServer) throws {
    for _ in 0..<3 {
      let client = try server.client()
      try client.send(post("/settle", ""))
      _ = try client.response()
    }
  }
}
