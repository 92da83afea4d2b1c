// One HTTP/1.1 connection as the event loop sees it.

internal import Bytes
internal import Reactor
internal import System

/// Passes the loop's events to the connection's `Conversation`. Loop thread only.
final class HTTPConnection: ConnectionHandler {
  let service: HTTPService
  private let peer: SocketAddress
  // One value, so that an event costs one check of exclusive access and not one per field.
  private var conversation: Conversation

  init(_ service: HTTPService, token: UInt64, peer: SocketAddress) {
    self.service = service
    self.peer = peer
    conversation = Conversation(service, token: token, peer: peer)
  }

  func opened(_ connection: inout Connection, _ turn: Turn) { conversation.settle(&connection, turn) }

  func readable(_ connection: inout Connection, _ turn: Turn, scratch: inout ByteBuffer) {
    conversation.readable(&connection, turn, scratch: &scratch)
  }

  func unsentShrank(_ connection: inout Connection, _ turn: Turn) { conversation.unsentShrank(&connection, turn) }
  func deadlinePassed(_ connection: inout Connection, _ turn: Turn) { conversation.deadlinePassed(&connection, turn) }
  func drain(_ connection: inout Connection, _ turn: Turn) { conversation.drain(&connection, turn) }

  func closed() {
    conversation.closed()
    service.server.connectionClosed(peer)
  }

  /// Answers the request that `sequence` counts, unless it was answered or its connection is gone.
  static func deliver(_ response: HTTPResponse, to token: UInt64, _ sequence: UInt64, on loop: EventLoop) {
    loop.withConnection(token) { connection, handler, turn in
      if let http2 = handler as? HTTP2Connection {
        http2.deliver(response, sequence, &connection, turn)
      } else {
        (handler as? HTTPConnection)?.conversation.deliver(response, sequence, &connection, turn)
      }
    }
  }

  /// Lets the request that waits for memory try again, unless it is gone.
  static func memoryFreed(for token: UInt64, on loop: EventLoop) {
    loop.withConnection(token) { connection, handler, turn in
      (handler as? HTTPConnection)?.conversation.memoryFreed(&connection, turn)
    }
  }
}
