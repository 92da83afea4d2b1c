// Addresses: whose they are, and those that are paths.

import System
import Testing

@Suite("SocketAddress")
struct SocketAddressTests {
  @Test(
    "Addresses of one customer are one network",
    arguments: [
      ("10.0.0.1", "10.0.0.1", true), ("10.0.0.1", "10.0.0.2", false), ("10.0.0.1", "::ffff:10.0.0.1", true),
      ("2001:db8::1", "2001:db8::ffff:1", true), ("2001:db8::1", "2001:db8:0:1::1", false),
    ])
  func networks(first: String, second: String, areOne: Bool) throws {
    let networks = try [first, second].map { try #require(SocketAddress(literal: $0, port: 1)).network }
    #expect((networks[0] == networks[1]) == areOne)
  }

  @Test(
    "Loopback is told from the rest",
    arguments: [("127.0.0.9", true), ("::1", true), ("::ffff:127.0.0.1", true), ("128.0.0.1", false), ("::2", false)])
  func loopback(literal: String, isLoopback: Bool) throws {
    #expect(try #require(SocketAddress(literal: literal, port: 1)).network?.isLoopback == isLoopback)
  }

  @Test("A Unix socket connects, and its client has no name")
  func unixSocket() throws {
    let path = "/tmp/otlpd-socket-\(UInt64.random(in: 0 ... .max))"
    let address = SocketAddress(path: path)
    let listening = try Socket.listening(on: address)
    defer { Socket.removeFile(path) }
    #expect(throws: SystemError.self) { _ = try Socket.listening(on: address) }
    let client = try Socket.connecting(to: address)
    guard case .socket(_, let peer) = listening.accept() else { return #expect(Bool(false)) }
    #expect(address.description == path && peer.description == "unix" && peer.network == nil)
    withExtendedLifetime(client) {}
  }
}
