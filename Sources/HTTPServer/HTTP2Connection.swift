// One HTTP/2 connection as the event loop sees it.

internal import Bytes
internal import Reactor
internal import System

/// Passes the loop's events to the connection's `HTTP2Conversation`. Loop thread only.
final class HTTP2Connection: ConnectionHandler {
  private let service: HTTPService
  private let peer: SocketAddress
  // One value, so that an event costs one check of exclusive access and not one per field.
  private var conversation: HTTP2Conversation

  init(_ service: HTTPService, token: UInt64, peer: SocketAddress) {
    self.service = service
    self.peer = peer
    conversation = HTTP2Conversation(service, token: token, peer: peer)
  }

  func opened(_ connection: inout Connection, _ turn: Turn) { conversation.opened(&connection, turn) }

  func readable(_ connection: inout Connection, _ turn: Turn, scratch: inout ByteBuffer) {
    conversation.readable(&connection, turn, scratch: &scratch)
  }

  func turnEnded(_ connection: inout Connection, _ turn: Turn) { conversation.turnEnded(&connection, turn) }
  func unsentShrank(_ connection: inout Connection, _ turn: Turn) { conversation.unsentShrank(&connection, turn) }
  func deadlinePassed(_ connection: inout Connection, _ turn: Turn) { conversation.deadlinePassed(&connection, turn) }
  func drain(_ connection: inout Connection, _ turn: Turn) { conversation.drain(&connection, turn) }
  func closed() {
    conversation.closed()
    service.server.connectionClosed(peer)
  }

  func deliver(_ response: HTTPResponse, _ sequence: UInt64, _ connection: inout Connection, _ turn: Turn) {
    conversation.deliver(response, sequence, &connection, turn)
  }

  /// Lets a request that waits for memory try again, unless it is gone.
  static func memoryFreed(for token: UInt64, stream: Int32, on loop: EventLoop) {
    loop.withConnection(token) { connection, handler, turn in
      (handler as? HTTP2Connection)?.conversation.memoryFreed(for: stream, &connection, turn)
    }
  }
}
