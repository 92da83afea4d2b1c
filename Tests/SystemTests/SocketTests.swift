// Sockets, epoll and eventfd against the real kernel.

import Bytes
import System
import Testing

@Suite("Socket")
struct SocketTests {
  @Test("Bytes go both ways, and the end of one direction is seen")
  func transfer() throws {
    let pair = try Pair.make()
    expect(pair.client.send(Bytes("ping").span), .moved(4))
    #expect(try receive(pair.server) == "ping")
    expect(pair.server.send(Bytes("pong").span), .moved(4))
    pair.server.shutdownWrite()
    #expect(try receive(pair.client) == "pong")
    #expect(try receive(pair.client) == nil)
  }

  @Test("Nothing to read and a full buffer are told, and never block")
  func wouldBlock() throws {
    let pair = try Pair.make()
    var buffer = ByteBuffer()
    buffer.appendTail(minimum: 10) { tail in expect(pair.server.receive(into: &tail), .wouldBlock) }
    let block = Bytes([UInt8](repeating: 0, count: 1 << 20))
    var sent = 0
    while case .moved(let count) = pair.client.send(block.span) { sent += count }
    #expect(sent > 0)
    expect(pair.client.send(block.span), .wouldBlock)
    expect(pair.client.send(Bytes().span), .moved(0))
  }

  @Test("Writing to a peer that is gone is an error and no signal")
  func brokenPipe() throws {
    let pair = try Pair.make()
    close(pair.server)
    var outcome = pair.client.send(Bytes("x").span)
    for _ in 0..<1000 where outcome == .moved(1) { outcome = pair.client.send(Bytes("x").span) }
    guard case .failed = outcome else {
      Issue.record("it still takes bytes")
      return
    }
  }

  @Test("A taken port is refused")
  func busyPort() throws {
    let first = try Socket.listening(on: loopback())
    let address = try first.localAddress()
    let error = #expect(throws: SystemError.self) { _ = try Socket.listening(on: address) }
    #expect(error?.description == "cannot listen on \(address): address already in use")
  }

  @Test("Accepting when nobody waits gives nobody")
  func nobody() throws {
    let listener = try Socket.listening(on: loopback())
    switch listener.accept() {
    case .none: break
    case .socket: Issue.record("somebody was accepted")
    case .exhausted(let error): throw error
    }
  }

  @Test("An eventfd wakes a wait once for many signals")
  func eventFD() throws {
    let epoll = try Epoll()
    let wakeUp = try EventFD()
    var events = Epoll.Events(capacity: 4)
    try epoll.add(wakeUp.number, .read, token: .max - 1)
    epoll.wait(&events, milliseconds: 0)
    #expect(events.count == 0)
    wakeUp.signal()
    wakeUp.signal()
    epoll.wait(&events, milliseconds: nil)
    #expect(events.count == 1 && events[0].token == .max - 1 && events[0].isReadable && !events[0].isWritable)
    wakeUp.reset()
    epoll.wait(&events, milliseconds: 0)
    #expect(events.count == 0)
    epoll.remove(wakeUp.number)
    wakeUp.signal()
    epoll.wait(&events, milliseconds: 0)
    #expect(events.count == 0)
  }

  @Test("Addresses are read and written in both families")
  func addresses() throws {
    for (literal, port, text) in [
      ("127.0.0.1", UInt16(4318), "127.0.0.1:4318"), ("::1", 0, "[::1]:0"), ("0.0.0.0", 65535, "0.0.0.0:65535"),
      ("2001:db8:0:0::1", 1, "[2001:db8::1]:1"),
    ] {
      let address = try #require(SocketAddress(literal: literal, port: port))
      #expect(address.description == text && address.port == port && address.isIPv6 == literal.contains(":"))
      #expect(address.with(port: 7).port == 7 && address.with(port: 7).host == address.host)
    }
    #expect(SocketAddress(literal: "localhost", port: 1) == nil)
    #expect(try SocketAddress.resolve("127.0.0.1", port: 5).map(\.description) == ["127.0.0.1:5"])
  }

  // MARK: Helpers

  private func close(_ socket: consuming Socket) {}

  /// What has arrived, or nil at the end.
  private func receive(_ socket: borrowing Socket) throws -> String? {
    try wait(socket, .read)
    var buffer = ByteBuffer()
    var outcome = TransferOutcome.wouldBlock
    buffer.appendTail(minimum: 100) { tail in outcome = socket.receive(into: &tail) }
    return outcome == .ended ? nil : buffer.finish().text
  }
}

private func expect(_ outcome: TransferOutcome, _ expected: TransferOutcome) { #expect(outcome == expected) }

private func loopback() throws -> SocketAddress { try #require(SocketAddress(literal: "127.0.0.1", port: 0)) }

private func wait(_ socket: borrowing Socket, _ interest: Epoll.Interest) throws {
  let epoll = try Epoll()
  var events = Epoll.Events(capacity: 1)
  try epoll.add(socket.number, interest, token: 0)
  for _ in 0..<10 where events.count == 0 { epoll.wait(&events, milliseconds: 1000) }
  #expect(events.count == 1)
}

/// Two ends of a connection over loopback.
private struct Pair: ~Copyable {
  let server: Socket
  let client: Socket

  static func make() throws -> Pair {
    let listener = try Socket.listening(on: loopback())
    let client = try Socket.connecting(to: listener.localAddress())
    try wait(client, .write)
    try wait(listener, .read)
    let address = try client.localAddress()
    let server = try accepted(listener.accept(), from: address)
    return Pair(server: server, client: client)
  }

  private static func accepted(_ outcome: consuming AcceptedSocket, from client: SocketAddress) throws -> Socket {
    switch consume outcome {
    case .socket(let socket, let peer):
      #expect(peer == client)
      return socket
    case .none: throw SystemError(code: 0, doing: "nobody was accepted")
    case .exhausted(let error): throw error
    }
  }
}
