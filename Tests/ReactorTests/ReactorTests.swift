// The loops with a protocol of their own: an echo.

import Bytes
import Reactor
import System
import Testing

/// Sends back what it gets; "close" ends the connection after a lingering while.
private final class EchoHandler: ConnectionHandler {
  private let counts: Lock<EchoCounts>

  init(_ counts: Lock<EchoCounts>) { self.counts = counts }

  func opened(_ connection: inout Connection, _ turn: Turn) {
    counts.withLock { $0.open += 1 }
    connection.deadline = turn.now + .seconds(60)
  }

  func readable(_ connection: inout Connection, _ turn: Turn, scratch: inout ByteBuffer) {
    scratch.removeAll()
    switch connection.receive(into: &scratch, minimum: 1, maximum: .max) {
    case .moved, .wouldBlock: break
    case .ended, .failed: return connection.close()
    }
    connection.send(scratch.span)
    if scratch.span.equals("close") {
      connection.closeLingering(Connection.Linger(time: .seconds(5), bytesMax: 10), turn)
    }
    connection.isReading = connection.unsentCount == 0
  }

  func unsentShrank(_ connection: inout Connection, _ turn: Turn) {
    connection.isReading = connection.unsentCount == 0
  }

  func deadlinePassed(_ connection: inout Connection, _ turn: Turn) {
    counts.withLock { $0.passed += 1 }
    connection.close()
  }

  func drain(_ connection: inout Connection, _ turn: Turn) { connection.close() }

  func closed() { counts.withLock { $0.open -= 1 } }
}

private struct EchoCounts {
  var open = 0
  var passed = 0
}

private final class EchoAcceptor: ConnectionAcceptor {
  let counts: Lock<EchoCounts>

  init(_ counts: Lock<EchoCounts>) { self.counts = counts }

  func accepted(_ socket: consuming Socket, from peer: SocketAddress, on loop: EventLoop) {
    loop.adopt(socket, from: peer) { _ in EchoHandler(counts) }
  }

  func acceptPaused(_ error: SystemError) {}
}

@Suite("Reactor", .serialized)
struct ReactorTests {
  @Test("Connections of one socket are shared by the loops, and everything comes back")
  func echo() throws {
    let echo = try Echo(loops: 3)
    let clients = try (0..<30).map { _ in try EchoClient(echo.address) }
    for round in 0..<3 {
      for (index, client) in clients.enumerated() { try client.send("\(round) \(index)") }
      for (index, client) in clients.enumerated() { #expect(try client.receive() == "\(round) \(index)") }
    }
    // The optimiser may close what is not used any more.
    withExtendedLifetime(clients) { #expect(echo.counts.withLock { $0.open } == 30) }
    echo.reactor.stop(deadline: .seconds(1))
    #expect(echo.counts.withLock { $0.open } == 0)
  }

  @Test("A deadline passes when the clock says so, and only then")
  func deadline() throws {
    let clock = ManualClock()
    let echo = try Echo(loops: 1, clock: clock)
    defer { echo.reactor.stop(deadline: .seconds(0)) }
    let client = try EchoClient(echo.address)
    try client.send("a")
    #expect(try client.receive() == "a")
    clock.advance(by: .seconds(59))
    echo.reactor.onEveryLoop { _ in }
    try client.send("b")
    #expect(try client.receive() == "b")
    clock.advance(by: .seconds(1))
    echo.reactor.wake()
    #expect(try client.receive() == nil)
    #expect(echo.counts.withLock { $0.passed } == 1)
  }

  @Test("Who stops a reactor that is being stopped waits until it has stopped")
  func stoppedTwice() throws {
    let echo = try Echo(loops: 2)
    let client = try EchoClient(echo.address)
    try client.send("a")
    #expect(try client.receive() == "a")
    let stops = try (0..<4).map { _ in
      try Thread(name: "stop") {
        echo.reactor.stop(deadline: .seconds(1))
        #expect(echo.counts.withLock { $0.open } == 0)
      }
    }
    for stop in stops { stop.join() }
    withExtendedLifetime(client) {}
  }

  @Test("A lingering close lets the peer read, and bounds what it may still send")
  func linger() throws {
    let echo = try Echo(loops: 1)
    defer { echo.reactor.stop(deadline: .seconds(0)) }
    let patient = try EchoClient(echo.address)
    try patient.send("close")
    #expect(try patient.receive() == "close")
    #expect(try patient.receive() == nil)
    try patient.send("12345")
    echo.reactor.onEveryLoop { _ in }
    #expect(echo.counts.withLock { $0.open } == 1)
    try patient.send("1234567890")
    while echo.counts.withLock({ $0.open }) > 0 { echo.reactor.onEveryLoop { _ in } }
  }

  @Test("What is posted from many threads runs on the loop, each once and in order of posting")
  func mailbox() throws {
    let reactor = try Reactor(loops: 1)
    try reactor.start()
    let seen = Lock<[Int: [Int]]>([:])
    let threads = try (0..<4).map { thread in
      try Thread(name: "poster") {
        for number in 0..<500 {
          reactor.mailboxes[0].post { _ in seen.withLock { $0[thread, default: []].append(number) } }
        }
      }
    }
    for thread in threads { thread.join() }
    #expect(reactor.onEveryLoop { _ in })
    for thread in 0..<4 { #expect(seen.withLock { $0[thread] } == Array(0..<500)) }
    reactor.stop(deadline: .seconds(0))
    #expect(!reactor.mailboxes[0].post { _ in })
    #expect(reactor.onEveryLoop { _ in })
    reactor.stop(deadline: .seconds(0))
  }
}

/// An echo server on a port of its own.
private struct Echo {
  let reactor: Reactor
  let address: SocketAddress
  let counts = Lock(EchoCounts())

  init(loops: Int, clock: any Clock = SystemClock()) throws {
    reactor = try Reactor(loops: loops, clock: clock)
    let socket = try ListeningSocket(on: #require(SocketAddress(literal: "127.0.0.1", port: 0)))
    address = socket.address
    try reactor.start()
    reactor.onEveryLoop { [counts] loop in loop.listen(on: socket, EchoAcceptor(counts)) }
  }
}

/// A client that waits for what it expects, at most ten seconds.
private final class EchoClient {
  private let socket: Socket
  private let epoll: Epoll
  private var events = Epoll.Events(capacity: 1)

  init(_ address: SocketAddress) throws {
    socket = try Socket.connecting(to: address)
    epoll = try Epoll()
    try epoll.add(socket.number, .write, token: 0)
    epoll.wait(&events, milliseconds: 10_000)
    try epoll.modify(socket.number, .read, token: 0)
  }

  func send(_ text: String) throws { _ = socket.send(Bytes(text).span) }

  /// What comes next, or nil at the end.
  func receive() throws -> String? {
    epoll.wait(&events, milliseconds: 10_000)
    var buffer = ByteBuffer()
    var outcome = TransferOutcome.wouldBlock
    buffer.appendTail(minimum: 1000) { tail in outcome = socket.receive(into: &tail) }
    switch outcome {
    case .moved: return buffer.finish().text
    case .ended, .failed: return nil
    case .wouldBlock: throw SystemError(code: 0, doing: "nothing came")
    }
  }
}
