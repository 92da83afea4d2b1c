// A server for HTTP/1.1 or HTTP/2 on the reactor: complete requests in, answers out.

package import Logging
package import Reactor
package import SelfTelemetry
internal import System

/// What a server calls with every complete request, on the loop's thread: never block. Answer through the `Reply`, now
/// or later, from any thread.
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
  let handler: HTTPHandler
  let refusalBody: @Sendable (HTTPRefusal) -> HTTPResponse
  let metrics: HTTPMetrics
  let speech: HTTPSpeech
  let misdirections: Misdirections
  private let reactor: Reactor
  private let address: ListenAddress
  private let logger: Logger
  private let sockets = Lock<[ListeningSocket]>([])
  private let lastPauseLog = Lock<Instant?>(nil)

  /// - Parameter refusalBody: makes the body of an answer that the server gives by itself; called on a loop.
  package init(
    reactor: Reactor, address: ListenAddress, speech: HTTPSpeech = .http1, limits: Limits = Limits(),
    handler: @escaping HTTPHandler,
    refusalBody: @escaping @Sendable (HTTPRefusal) -> HTTPResponse = { $0.textResponse }, metrics: MetricRegistry,
    logger: Logger
  ) {
    self.reactor = reactor
    self.address = address
    self.speech = speech
    self.limits = limits
    self.handler = handler
    self.refusalBody = refusalBody
    self.metrics = HTTPMetrics(metrics)
    misdirections = Misdirections(metrics: metrics, logger: logger)
    self.logger = logger
  }

  /// Listens, and serves as soon as the reactor runs.
  ///
  /// Blocks while a host name is resolved.
  ///
  /// - Returns: the address it is bound to, with the port the kernel chose: `127.0.0.1:40001`.
  @discardableResult
  package func start() throws(ListenError) -> String {
    var opened: [ListeningSocket] = []
    for attempt in try address.listen() {
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

  /// Counts a connection, unless there are too many.
  func connectionOpened() -> Bool {
    if metrics.connections.value >= limits.connectionsMax {
      metrics.refusedByLimit.add()
      return false
    }
    metrics.connections.add(1)
    return true
  }

  /// What a misdirected client's owner has to change.
  func advice(_ kind: Misdirection) -> String {
    let port = sockets.withLock { $0.first?.address.description } ?? "\(address)"
    return switch kind {
    case .http1OnGRPC:
      "\(port) speaks OTLP/gRPC, and the client HTTP/1.1; send OTLP/HTTP to the http endpoint (4318)"
        + " with OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf, or use an OTLP/gRPC exporter"
    case .http2OnHTTP:
      "\(port) speaks OTLP/HTTP, and the client HTTP/2 as gRPC does; send OTLP/gRPC to the grpc endpoint"
        + " (4317), or set OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf"
    case .tlsOnPlain:
      "\(port) speaks plain text, and the client TLS; use an endpoint with http://, or insecure=True"
    }
  }

  func connectionClosed() { metrics.connections.add(-1) }

  /// Descriptors have run out: counted each time, logged once a minute.
  func acceptPaused(_ error: SystemError) {
    metrics.acceptPauses.add()
    let now = reactor.clock.monotonic
    let mustLog = lastPauseLog.withLock { last in
      if let last, now.since(last) < .seconds(60) { return false }
      last = now
      return true
    }
    if mustLog {
      logger.warning(
        "no more connections can be taken for now; raise the limit of open files (LimitNOFILE=)",
        metadata: ["address": "\(address)", "error": "\(error)"])
    }
  }
}
