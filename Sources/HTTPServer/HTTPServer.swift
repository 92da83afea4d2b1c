// A server for HTTP/1.1 or HTTP/2 on the reactor: complete requests in, answers out.

package import Logging
package import Reactor
package import SelfTelemetry
internal import System
package import TLS

/// What a server calls with every complete request, on the loop's thread or the one that let the request in: never
/// block. Answer through the `Reply`, now or later, from any thread.
package typealias HTTPHandler = @Sendable (HTTPRequest, Reply) -> Void

/// What a server's connections speak.
package enum HTTPSpeech: Sendable {
  case http1
  /// HTTP/2 from the first byte (RFC 9113 section 3.3, "with prior knowledge"), for gRPC.
  case http2
}

/// Serves one address. Requests reach the handler whole, de-chunked and decompressed, within `limits`.
///
/// What the server itself refuses is answered with what `refusalBody` makes of it; the server sees to the headers that
/// the status needs.
package final class HTTPServer: Sendable {
  package let limits: Limits
  let refusalBody: @Sendable (HTTPRefusal) -> HTTPResponse
  let metrics: HTTPMetrics
  let speech: HTTPSpeech
  let shared: SharedResources
  /// nil for plain text.
  let tls: TLSServer?
  let cors: CORS?
  /// Decides about a request when its header is here; nil lets everybody in.
  let admit: (@Sendable (HTTPRequest) -> Admission)?
  private let handler: HTTPHandler
  private let reactor: Reactor
  private let address: ListenAddress
  private let logger: Logger
  private let sockets = Lock<[ListeningSocket]>([])
  private let pausePace = Lock(LogPace(interval: .seconds(60)))

  /// - Parameters:
  ///   - tls: nil for plain text.
  ///   - gate: decides who may send, from a request's header; nil lets everybody in.
  ///   - cors: what web pages of other origins may do; nil for nothing. Their preflights pass the gate.
  ///   - refusalBody: makes the body of an answer that the server gives by itself; called on a loop.
  ///   - shared: what the limits of all servers count together.
  package init(
    reactor: Reactor, address: ListenAddress, speech: HTTPSpeech = .http1, tls: TLSServer? = nil,
    limits: Limits = Limits(), gate: HTTPGate? = nil, cors: CORS? = nil, handler: @escaping HTTPHandler,
    refusalBody: @escaping @Sendable (HTTPRefusal) -> HTTPResponse = { $0.textResponse }, shared: SharedResources,
    metrics: MetricRegistry, logger: Logger
  ) {
    self.reactor = reactor
    self.address = address
    self.speech = speech
    self.tls = tls
    self.shared = shared
    var limits = limits
    // What could never be reserved need not wait for it.
    limits.bodyBytesMax = min(limits.bodyBytesMax, shared.memory.largeBytesMax - GRPCMessage.prefixSize)
    self.limits = limits
    self.cors = cors
    if let gate {
      admit = { request in cors?.isPreflight(request) == true ? .admitted : gate(request) }
    } else {
      admit = nil
    }
    self.handler = handler
    self.refusalBody = refusalBody
    self.metrics = HTTPMetrics(metrics)
    self.logger = logger
  }

  /// Whether it speaks TLS.
  package var isSecure: Bool { tls != nil }

  /// Listens, and serves as soon as the reactor runs.
  ///
  /// Blocks while a host name is resolved.
  ///
  /// - Returns: the address it is bound to, with the port the kernel chose: `127.0.0.1:40001`.
  @discardableResult
  package func start() throws(ListenError) -> String {
    var opened: [ListeningSocket] = []
    for attempt in try address.listen(with: reactor) {
      switch attempt {
      case .listening(let socket): opened.append(socket)
      case .skipped(let error):
        logger.warning("cannot listen on the second address of localhost", metadata: ["error": "\(error)"])
      }
    }
    for socket in opened {
      for mailbox in reactor.mailboxes {
        mailbox.post { loop in loop.listen(on: socket, HTTPService(self, mailbox: loop.mailbox)) }
      }
    }
    let first = opened[0].address
    sockets.withLock { $0 = opened }
    return first.description
  }

  /// Closes the listening sockets and returns when they are; connections stay. Never call it on a loop.
  package func stopAccepting() {
    let closing = sockets.withLock { sockets in
      defer { sockets = [] }
      return sockets
    }
    for socket in closing { reactor.onEveryLoop { loop in loop.stopListening(on: socket) } }
  }

  // MARK: Called by the connections

  /// Hands a complete request to the handler, unless it is answered here. Loop thread.
  func handle(_ request: HTTPRequest, _ reply: Reply) {
    if cors?.isPreflight(request) == true { return reply.send(CORS.preflightAnswer) }
    switch request.admission {
    case .admitted: handler(request, reply)
    case .refused(let refusal): reply.send(answer(refusal.located(at: request)))
    case .undecided(let decide):
      decide { [self] refusal in
        if let refusal { reply.send(answer(refusal.located(at: request))) } else { handler(request, reply) }
      }
    }
  }

  /// The whole answer to a request that is refused.
  func answer(_ refusal: HTTPRefusal) -> HTTPResponse {
    var response = refusalBody(refusal)
    response.headers += refusal.headers
    return response
  }

  /// Counts a connection, unless there are too many.
  func connectionOpened(_ peer: SocketAddress) -> ConnectionTable.Verdict {
    let verdict = shared.connections.admit(peer, limits)
    switch verdict {
    case .admitted: metrics.connections.add(1)
    case .tooMany: metrics.refusedByLimit.add()
    case .tooManyFromThere: metrics.refusedByAddressLimit.add()
    }
    return verdict
  }

  func connectionClosed(_ peer: SocketAddress) {
    shared.connections.left(peer)
    metrics.connections.add(-1)
  }

  /// Descriptors have run out: counted each time, logged once a minute.
  func acceptPaused(_ error: SystemError) {
    metrics.acceptPauses.add()
    guard pausePace.withLock({ $0.admit(at: reactor.clock.monotonic) }) != nil else { return }
    logger.warning(
      "no more connections can be taken for now; raise the limit of open files (LimitNOFILE=)",
      metadata: ["address": "\(address)", "error": "\(error)"])
  }
}
