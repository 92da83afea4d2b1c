// One HTTP/1.1 connection on its event loop: reads requests, hands them over, writes answers.

internal import Bytes
internal import Compression
internal import Reactor
internal import System

/// Drives a `RequestReader` with what arrives and answers one request after the other. Loop thread only.
///
/// While an answer is due, at most `pipelinedBytesMax` of the next requests are read; while a slow reader leaves more
/// than `unsentBytesMax` of answers unread, nothing is. So a client's own slowness bounds what it costs.
final class HTTPConnection: ConnectionHandler {
  private static let readMinimum = 4 << 10

  private let service: HTTPService
  private let token: UInt64
  private var reader: RequestReader
  /// Bytes that have arrived and cannot be used yet; empty when a request came in one piece.
  private var pending = ByteBuffer()
  /// Counts the requests, so that a reply finds its own only.
  private var sequence: UInt64 = 0
  /// The client sends nothing more.
  private var hasEnded = false
  /// When the reader's present phase began.
  private var phaseStart: Instant

  init(_ service: HTTPService, token: UInt64, peer: SocketAddress, now: Instant) {
    self.service = service
    self.token = token
    reader = RequestReader(limits: service.server.limits, peer: peer.description)
    phaseStart = now
  }

  private var limits: Limits { service.server.limits }
  private var awaitsAnswer: Bool { reader.phase == .answering }

  func opened(_ connection: Connection) { settle(connection) }

  // MARK: Reading

  func readable(_ connection: Connection, scratch: inout ByteBuffer) {
    var outcome = TransferOutcome.wouldBlock
    if reader.wantsBody && pending.isEmpty {
      outcome =
        reader.fill { body, maximum in connection.receive(into: &body, minimum: 1, maximum: maximum) } ?? outcome
      var start = 0
      scratch.removeAll()
      advance(scratch.span, from: &start, connection)
    } else if pending.isEmpty {
      scratch.removeAll()
      outcome = connection.receive(
        into: &scratch, minimum: 1, maximum: awaitsAnswer ? limits.pipelinedBytesMax : .max)
      var start = 0
      advance(scratch.span, from: &start, connection)
      pending.append(scratch.span.extracting(start...))
    } else {
      outcome = connection.receive(
        into: &pending, minimum: HTTPConnection.readMinimum, maximum: limits.pipelinedBytesMax)
      advancePending(connection)
    }
    switch outcome {
    case .moved, .wouldBlock: break
    case .failed: return connection.close()
    case .ended:
      hasEnded = true
      if !awaitsAnswer { inputEnded(connection) }
    }
    settle(connection)
  }

  private func advancePending(_ connection: Connection) {
    guard !pending.isEmpty else { return }
    var start = 0
    advance(pending.span, from: &start, connection)
    if start == pending.count {
      // Idle connections hold no buffer.
      pending = ByteBuffer()
    } else if start > 0 {
      pending.removeFirst(start)
    }
  }

  /// Lets the reader use the bytes behind `start` as far as it can now.
  private func advance(_ input: Span<UInt8>, from start: inout Int, _ connection: Connection) {
    while connection.isOpen && !awaitsAnswer && connection.unsentCount <= limits.unsentBytesMax {
      let before = reader.phase
      let step = reader.next(input, from: &start)
      if reader.phase != before { phaseStart = connection.loop.now }
      switch step {
      case .needMore: return
      case .sendContinue: connection.send(service.continueLine)
      case .request(let request): handOver(request, connection)
      case .refuse(let refusal): refuse(refusal, closing: true, connection)
      }
    }
  }

  /// The client has ended its side: what is complete is answered, what is cut is refused.
  private func inputEnded(_ connection: Connection) {
    guard connection.isOpen && !awaitsAnswer && connection.unsentCount <= limits.unsentBytesMax else { return }
    if reader.phase == .body || !pending.isEmpty {
      refuse(HTTPRefusal(.malformed, "the request ends too early"), closing: true, connection)
    } else {
      connection.closeLingering(service.linger)
    }
  }

  private func handOver(_ request: HTTPRequest, _ connection: Connection) {
    sequence += 1
    var request = request
    if request.head.coding == .gzip {
      do {
        let body = try service.decompressor.decompress(request.body.span, limit: limits.bodyBytesMax)
        request = HTTPRequest(head: request.head, body: body, peer: request.peer)
      } catch {
        return refuse(refusal(for: error), closing: false, connection)
      }
    }
    let reply = Reply(mailbox: connection.loop.mailbox, token: token, sequence: sequence)
    service.server.handler(request, reply)
  }

  private func refusal(for error: GzipError) -> HTTPRefusal {
    switch error {
    case .tooLarge: HTTPRefusal(.bodyTooLarge, error.description)
    case .truncated, .corrupt: HTTPRefusal(.malformed, error.description)
    }
  }

  // MARK: Answering

  /// Answers the request that `sequence` counts, unless it was answered or its connection is gone.
  static func deliver(_ response: HTTPResponse, to token: UInt64, _ sequence: UInt64, on loop: EventLoop) {
    guard let connection = loop.connection(token), connection.isOpen,
      let handler = connection.handler as? HTTPConnection, handler.sequence == sequence, handler.awaitsAnswer
    else { return }
    handler.answer(response, closing: false, connection)
    // The next request may already be here.
    handler.advancePending(connection)
    if handler.hasEnded && !handler.awaitsAnswer { handler.inputEnded(connection) }
    handler.settle(connection)
  }

  /// Writes the answer and goes on to the next request, or closes when one side wants to.
  private func answer(_ response: HTTPResponse, closing: Bool, _ connection: Connection) {
    let keepsAlive = reader.keepsAlive && !closing && !connection.loop.isDraining
    service.write(response, isHead: reader.isHeadRequest, keepsAlive: keepsAlive, reader.isHTTP10, to: connection)
    guard keepsAlive else { return connection.closeLingering(service.linger) }
    reader.answered()
    phaseStart = connection.loop.now
  }

  /// - Parameter closing: whether what follows on the connection cannot be understood.
  private func refuse(_ refusal: HTTPRefusal, closing: Bool, _ connection: Connection) {
    let refusal = refusal.path.isEmpty ? reader.located(refusal) : refusal
    var response = service.server.refusalBody(refusal)
    response.headers += refusal.headers
    answer(response, closing: closing, connection)
  }

  func unsentShrank(_ connection: Connection) {
    advancePending(connection)
    if hasEnded { inputEnded(connection) }
    settle(connection)
  }

  // MARK: Waiting

  /// Decides what the connection waits for, and for how long.
  private func settle(_ connection: Connection) {
    guard connection.isOpen else { return }
    let isBehind = connection.unsentCount > limits.unsentBytesMax
    let isFull = awaitsAnswer && pending.count >= limits.pipelinedBytesMax
    connection.isReading = !hasEnded && !isBehind && !isFull
    let now = connection.loop.now
    if connection.unsentCount > 0 {
      connection.deadline = now + limits.writeTime
      return
    }
    switch reader.phase {
    case .answering: connection.deadline = phaseStart + limits.answerTime
    case .body:
      let earned = Duration.seconds(reader.bodyCount / limits.bodyBytesPerSecondMin)
      connection.deadline = phaseStart + (limits.bodyTime + earned)
    case .head where !pending.isEmpty:
      // The head's time runs from its first byte, which arrived now unless a deadline for it is set already.
      if !isTimingHead {
        isTimingHead = true
        phaseStart = now
      }
      connection.deadline = phaseStart + limits.headTime
      return
    case .head: connection.deadline = now + limits.idleTime
    case .refused: break
    }
    isTimingHead = false
  }

  private var isTimingHead = false

  func deadlinePassed(_ connection: Connection) {
    if connection.unsentCount > 0 { return connection.close() }
    switch reader.phase {
    case .answering:
      refuse(HTTPRefusal(.answerOverdue, "the request was not handled in time"), closing: true, connection)
    case .head where pending.isEmpty: connection.close()
    case .head, .body:
      refuse(HTTPRefusal(.timeout, "the request did not arrive in time"), closing: true, connection)
    case .refused: connection.close()
    }
  }

  func drain(_ connection: Connection) {
    if reader.phase == .head && pending.isEmpty && connection.unsentCount == 0 { connection.close() }
  }

  func closed(_ connection: Connection) { service.server.connectionClosed() }
}
