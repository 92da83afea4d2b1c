// Memory in flight: reserved before bodies are read, given back, and waited for.

import Bytes
import Compression
import HTTPServer
import Reactor
import SelfTelemetry
import System
import Testing

@Suite("MemoryBudget", .serialized)
struct MemoryBudgetTests {
  private static let memory = 4 << 20

  @Test("A body holds its memory until it is answered, and idle connections hold none")
  func holding() throws {
    let held = Lock<Reply?>(nil)
    let server = try TestServer(memory: Self.memory) { _, reply in
      held.withLock { $0 = reply }
      held.wakeAll()
    }
    defer { server.stop() }
    let client = try server.client()
    try client.send(post("/a", String(repeating: "x", count: 100_000)))
    let reply = held.wait(until: SystemClock().monotonic + .seconds(10)) { $0 }
    #expect(server.shared.memory.used == 100_000)
    reply?.send(HTTPResponse(status: 200, contentType: "", body: Bytes()))
    _ = try client.response()
    #expect(server.shared.memory.used == 0)
  }

  @Test("A client that goes away gives its memory back")
  func leaving() throws {
    let server = try TestServer(memory: Self.memory)
    defer { server.stop() }
    try announce(2_000_000, server)
    #expect(server.shared.memory.used == 0)
  }

  /// Announces a body, sees the memory reserved, and leaves.
  private func announce(_ length: Int, _ server: TestServer) throws {
    let client = try server.client()
    try client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: \(length)\r\n\r\nabc")
    while server.shared.memory.used != length {}
    client.endSending()
    #expect(try client.response().hasPrefix("HTTP/1.1 400"))
  }

  @Test("Who finds no room is served when some is given back, large bodies leave room for small ones")
  func waiting() throws {
    let server = try TestServer(memory: Self.memory)
    defer { server.stop() }
    let first = try server.client()
    try first.send("POST /first HTTP/1.1\r\nHost: a\r\nContent-Length: 3000000\r\n\r\n")
    while server.shared.memory.used != 3_000_000 {}
    let second = try server.client()
    try second.send("POST /second HTTP/1.1\r\nHost: a\r\nContent-Length: 2000000\r\n\r\n")
    while server.shared.memory.waiting == 0 {}
    let small = try server.client()
    try small.send(post("/small", String(repeating: "x", count: 50_000)))
    #expect(try small.response() == ok("POST /small 50000"))
    try first.send(String(repeating: "x", count: 3_000_000))
    #expect(try first.response() == ok("POST /first 3000000"))
    try second.send(String(repeating: "x", count: 2_000_000))
    #expect(try second.response() == ok("POST /second 2000000"))
    #expect(server.shared.memory.used == 0 && server.shared.memory.waiting == 0)
  }

  @Test("Without room a request waits its time and is told to come back, and nothing stays reserved")
  func refusal() throws {
    let clock = ManualClock()
    let server = try TestServer(memory: Self.memory, clock: clock)
    defer { server.stop() }
    let first = try server.client()
    try first.send("POST /first HTTP/1.1\r\nHost: a\r\nContent-Length: 3000000\r\n\r\n")
    while server.shared.memory.used != 3_000_000 {}
    let chunked = try server.client()
    try chunked.send("POST /c HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nf4240\r\n")
    try chunked.send(String(repeating: "x", count: 1_000_000))
    while server.shared.memory.waiting == 0 {}
    clock.advance(by: .seconds(2))
    server.reactor.onEveryLoop { _ in }
    let answer = try chunked.response()
    #expect(answer.hasPrefix("HTTP/1.1 503 ") && answer.contains("\r\nRetry-After: 1\r\n"))
    #expect(server.shared.memory.used == 3_000_000 && server.shared.memory.waiting == 0)
    #expect(server.metrics.render().contains("otlpd_memory_refused_requests 1\n"))
    try first.send(String(repeating: "x", count: 3_000_000))
    #expect(try first.response() == ok("POST /first 3000000"))
  }

  @Test("What a packed body unpacks to is reserved, too, also when it is far larger than usual")
  func unpacking() throws {
    let server = try TestServer(memory: Self.memory)
    defer { server.stop() }
    for size in [10, 10_000, 2_000_000] {
      let packed = Gzip.compress(Bytes([UInt8](repeating: 0, count: size)))
      let client = try server.client()
      try client.send(
        "POST /z HTTP/1.1\r\nHost: a\r\nContent-Encoding: gzip\r\nContent-Length: \(packed.count)\r\n\r\n")
      try client.send(packed)
      #expect(try client.response() == ok("POST /z \(size)"))
    }
    let bomb = Gzip.compress(Bytes([UInt8](repeating: 0, count: 60_000_000)))
    let client = try server.client()
    try client.send("POST /z HTTP/1.1\r\nHost: a\r\nContent-Encoding: gzip\r\nContent-Length: \(bomb.count)\r\n\r\n")
    try client.send(bomb)
    #expect(try client.response().hasPrefix("HTTP/1.1 413 "))
    #expect(server.shared.memory.used == 0)
  }

  @Test("Packed requests that wait for the memory of their content are served or refused, and the connection stays")
  func unpackingWaits() throws {
    let clock = ManualClock()
    let server = try TestServer(memory: Self.memory, clock: clock)
    defer { server.stop() }
    let first = try server.client()
    try first.send("POST /first HTTP/1.1\r\nHost: a\r\nContent-Length: 3000000\r\n\r\n")
    while server.shared.memory.used != 3_000_000 {}
    let packed = Gzip.compress(Bytes([UInt8](repeating: 0, count: 2_000_000)))
    let client = try server.client()
    for isServed in [false, true] {
      try client.send(
        "POST /z HTTP/1.1\r\nHost: a\r\nContent-Encoding: gzip\r\nContent-Length: \(packed.count)\r\n\r\n")
      try client.send(packed)
      while server.shared.memory.waiting == 0 {}
      if isServed {
        try first.send(String(repeating: "x", count: 3_000_000))
        #expect(try first.response() == ok("POST /first 3000000"))
        #expect(try client.response() == ok("POST /z 2000000"))
      } else {
        clock.advance(by: .seconds(2))
        server.reactor.onEveryLoop { _ in }
        #expect(try client.response().hasPrefix("HTTP/1.1 503 "))
      }
    }
    #expect(server.shared.memory.used == 0)
  }
}
