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
    let head, body, idle, answer, hold, write: UInt64
    let http2Idle, http2Age, http2Grace, pingAfter, pingTimeout: UInt64

    init(_ limits: Limits) {
      head = limits.headTime.nanoseconds
      body = limits.bodyTime.nanoseconds
      idle = limits.idleTime.nanoseconds
      answer = limits.answerTime.nanoseconds
      hold = limits.holdTime.nanoseconds
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
  var decompressor = Decompressor()
  private var output = ByteBuffer(capacity: 4096)
  private let security: TransportSecurity?
  /// How many requests on this loop wait for memory.
  var waiting = 0
  /// How much is read of a request before its memory is reserved: little while others wait for memory.
  var readMaximum: Int { waiting > 0 ? server.limits.unreservedBodyBytesMax : .max }

  init(_ server: HTTPServer, mailbox: Mailbox) {
    self.server = server
    self.mailbox = mailbox
    waits = Waits(server.limits)
    linger = Connection.Linger(time: server.limits.lingerTime, bytesMax: server.limits.lingerBytesMax)
    security = server.tls.map { tls in
      let refusal = HTTPRefusal(.malformed, MisdirectedRequests.Kind.plainOnTLS.advice)
      return server.shared.security(
        tls, server.limits, plainAnswer: HTTPService.lastAnswer(server.refusalBody(refusal)))
    }
  }

  func accepted(_ socket: consuming Socket, from peer: SocketAddress, on loop: EventLoop) {
    switch server.connectionOpened(peer) {
    case .admitted:
      loop.adopt(socket, from: peer, security: security) { token in
        switch server.speech {
        case .http1: HTTPConnection(self, token: token, peer: peer)
        case .http2: HTTP2Connection(self, token: token, peer: peer)
        }
      }
    case .tooMany: refuse(socket, peer, "there are too many connections", loop)
    case .tooManyFromThere: refuse(socket, peer, "there are too many connections from this address", loop)
    }
  }

  /// Lets a connection go that is one too many. Over TLS it could be told why only after the work of a handshake, and
  /// an HTTP/2 client would not understand it.
  private func refuse(_ socket: consuming Socket, _ peer: SocketAddress, _ message: String, _ loop: EventLoop) {
    let connections = server.shared.connections
    guard security == nil, server.speech == .http1, connections.mayLinger(atMost: server.limits.lingeringRefusalsMax)
    else { return }
    let refusal = HTTPRefusal(.overloaded, message)
    let answer = HTTPService.lastAnswer(server.answer(refusal))
    loop.adopt(socket, from: peer) { _ in RefusedConnection(answer, connections) }
  }

  /// What is sent on a connection that closes then.
  private static func lastAnswer(_ response: HTTPResponse) -> Bytes {
    var output = ByteBuffer()
    response.appendHead(to: &output, keepsAlive: false, isHTTP10: false)
    output.append(response.body)
    return output.finish()
  }

  /// How the memory budget wakes a connection of this loop.
  func wake(_ token: UInt64) -> @Sendable () -> Void {
    { [mailbox] in mailbox.post { loop in HTTPConnection.memoryFreed(for: token, on: loop) } }
  }

  /// As `wake`, for one stream of a connection.
  func wakeStream(of token: UInt64) -> @Sendable (Int32) -> @Sendable () -> Void {
    { [mailbox] stream in
      { mailbox.post { loop in HTTP2Connection.memoryFreed(for: token, stream: stream, on: loop) } }
    }
  }

  private static func send(_ output: borrowing ByteBuffer, to connection: inout Connection) {
    connection.send(output.span)
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
  func turnAway(_ kind: MisdirectedRequests.Kind?, _ peer: SocketAddress, _ connection: inout Connection, _ turn: Turn)
  {
    guard let kind else {
      server.metrics.http2Ended(.protocolError)
      return connection.close()
    }
    server.shared.misdirected.note(kind, peer: peer.description)
    guard kind == .http1OnGRPC else { return connection.close() }
    write(
      HTTPRefusal(.malformed, kind.advice).textResponse, isHead: false, keepsAlive: false, false, to: &connection)
    connection.closeLingering(linger, turn)
  }

  private func prepare(_ response: HTTPResponse, isHead: Bool, keepsAlive: Bool, isHTTP10: Bool) {
    output.removeAll()
    response.appendHead(to: &output, keepsAlive: keepsAlive, isHTTP10: isHTTP10)
    if !isHead && response.body.count <= HTTPService.joinedBodyMax { output.append(response.body) }
  }
}
