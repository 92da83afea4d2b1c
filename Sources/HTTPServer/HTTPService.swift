// What the connections of one server share on one event loop.

internal import Bytes
internal import Compression
internal import HTTP2
internal import Reactor
internal import System

/// Takes a server's connections on one loop, and lends them what is reused from request to request. Loop thread only.
final class HTTPService: ConnectionAcceptor {
  /// Bodies up to this size leave in one write with their header.
  private static let joinedBodyMax = 16 << 10

  /// The times of `Limits` in nanoseconds: `Duration` arithmetic is 128 bits wide and too slow for every event.
  struct Waits {
    let head, body, idle, answer, write: UInt64
    let http2Idle, http2Age, http2Grace, pingAfter, pingTimeout: UInt64

    init(_ limits: Limits) {
      head = limits.headTime.nanoseconds
      body = limits.bodyTime.nanoseconds
      idle = limits.idleTime.nanoseconds
      answer = limits.answerTime.nanoseconds
      write = limits.writeTime.nanoseconds
      let keepalive = limits.keepalive
      http2Idle = keepalive.idleMax?.nanoseconds ?? .max
      http2Age = keepalive.ageMax?.nanoseconds ?? .max
      http2Grace = keepalive.ageGrace?.nanoseconds ?? .max
      pingAfter = keepalive.pingAfter.nanoseconds
      pingTimeout = keepalive.pingTimeout.nanoseconds
    }
  }

  let server: HTTPServer
  let mailbox: Mailbox
  let waits: Waits
  let linger: Connection.Linger
  let continueLine = Bytes("HTTP/1.1 100 Continue\r\n\r\n")
  var decompressor = GzipDecompressor()
  private var output = ByteBuffer(capacity: 4096)

  init(_ server: HTTPServer, mailbox: Mailbox) {
    self.server = server
    self.mailbox = mailbox
    waits = Waits(server.limits)
    linger = Connection.Linger(time: server.limits.lingerTime, bytesMax: server.limits.lingerBytesMax)
  }

  func accepted(_ socket: consuming Socket, from peer: SocketAddress, on loop: EventLoop) {
    guard server.connectionOpened() else {
      // An HTTP/2 client would not understand it, and comes back later without having been told.
      if server.speech == .http2 { return }
      let refusal = HTTPRefusal(.overloaded, "there are too many connections")
      var response = server.refusalBody(refusal)
      response.headers += refusal.headers
      prepare(response, isHead: false, keepsAlive: false, isHTTP10: false)
      return HTTPService.end(socket, with: output)
    }
    loop.adopt(socket, from: peer) { token in
      switch server.speech {
      case .http1: HTTPConnection(self, token: token, peer: peer)
      case .http2: HTTP2Connection(self, token: token, peer: peer)
      }
    }
  }

  private static func send(_ output: borrowing ByteBuffer, to connection: inout Connection) {
    connection.send(output.span)
  }

  /// Answers at once and closes: a new connection's buffer takes a short answer whole.
  private static func end(_ socket: consuming Socket, with output: borrowing ByteBuffer) {
    _ = socket.send(output.span)
    socket.shutdownWrite()
  }

  func acceptPaused(_ error: SystemError) { server.acceptPaused(error) }

  /// Writes an answer to a connection and counts it.
  func write(
    _ response: HTTPResponse, isHead: Bool, keepsAlive: Bool, _ isHTTP10: Bool, to connection: inout Connection
  ) {
    server.metrics.requestAnswered(response.status)
    prepare(response, isHead: isHead, keepsAlive: keepsAlive, isHTTP10: isHTTP10)
    HTTPService.send(output, to: &connection)
    if !isHead && response.body.count > HTTPService.joinedBodyMax { connection.send(response.body.span) }
  }

  /// Sends some of what an HTTP/2 connection has ready.
  ///
  /// - Returns: whether there was something.
  func send(from exchange: inout HTTP2Exchange?, to connection: inout Connection) -> Bool {
    output.removeAll()
    exchange?.write(to: &output, limit: server.limits.unsentBytesMax)
    if output.isEmpty { return false }
    HTTPService.send(output, to: &connection)
    return true
  }

  /// Ends a connection whose client does not speak HTTP/2, with an answer if it speaks HTTP/1.1.
  func turnAway(_ kind: Misdirection?, _ peer: SocketAddress, _ connection: inout Connection, _ turn: Turn) {
    guard let kind else {
      server.metrics.http2Ended(.protocolError)
      return connection.close()
    }
    let advice = note(kind, peer, turn)
    guard kind == .http1OnGRPC else { return connection.close() }
    write(
      HTTPRefusal(.malformed, advice).textResponse, isHead: false, keepsAlive: false, false, to: &connection)
    connection.closeLingering(linger, turn)
  }

  /// Counts a misdirected client.
  ///
  /// - Returns: what its owner has to change.
  func note(_ kind: Misdirection, _ peer: SocketAddress, _ turn: Turn) -> String {
    let advice = server.advice(kind)
    server.misdirections.note(kind, from: peer.description, at: turn.now, advice)
    return advice
  }

  private func prepare(_ response: HTTPResponse, isHead: Bool, keepsAlive: Bool, isHTTP10: Bool) {
    output.removeAll()
    response.appendHead(to: &output, keepsAlive: keepsAlive, isHTTP10: isHTTP10)
    if !isHead && response.body.count <= HTTPService.joinedBodyMax { output.append(response.body) }
  }
}
