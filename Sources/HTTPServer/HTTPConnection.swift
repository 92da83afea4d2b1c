// One HTTP/1.1 connection as the event loop sees it.

internal import Bytes
internal import Reactor
internal import System

/// Passes the loop's events to the connection's `Conversation`. Loop thread only.
final class HTTPConnection: ConnectionHandler {
  private let service: HTTPService
  // One value, so that an event costs one check of exclusive access and not one per field.
  private var conversation: Conversation

  init(_ service: HTTPService, token: UInt64, peer: SocketAddress, now: Instant) {
    self.service = service
    conversation = Conversation(service, token: token, peer: peer, now: now)
  }

  func opened(_ connection: Connection) { conversation.settle(connection) }

  func readable(_ connection: Connection, scratch: inout ByteBuffer) {
    conversation.readable(connection, scratch: &scratch)
  }

  func unsentShrank(_ connection: Connection) { conversation.unsentShrank(connection) }
  func deadlinePassed(_ connection: Connection) { conversation.deadlinePassed(connection) }
  func drain(_ connection: Connection) { conversation.drain(connection) }

  // Comes in the middle of another call: the conversation must not be touched.
  func closed(_ connection: Connection) { service.server.connectionClosed() }

  /// Answers the request that `sequence` counts, unless it was answered or its connection is gone.
  static func deliver(_ response: HTTPResponse, to token: UInt64, _ sequence: UInt64, on loop: EventLoop) {
    guard let connection = loop.connection(token), let handler = connection.handler as? HTTPConnection else { return }
    if connection.isOpen { handler.conversation.deliver(response, sequence, connection) }
  }
}
