// What happens on one HTTP/1.1 connection: requests are read, handed over and answered, one after the other.

internal import Bytes
internal import Compression
internal import Reactor
internal import System

/// Drives a `RequestReader` with what arrives and answers one request after the other. Loop thread only.
///
/// While an answer is due, at most `pipelinedBytesMax` of the next requests are read; while a slow reader leaves more
/// than `unsentBytesMax` of answers unread, nothing is. So a client's own slowness bounds what it costs.
struct Conversation: ~Copyable {
  private static let readMinimum = 4 << 10

  private let service: HTTPService
  private let token: UInt64
  private let peer: SocketAddress
  private var reader: RequestReader
  /// Bytes that have arrived and cannot be used yet; empty when a request came in one piece.
  private var pending = ByteBuffer()
  /// Counts the requests, so that a reply finds its own only.
  private var sequence: UInt64 = 0
  /// The client sends nothing more.
  private var hasEnded = false
  /// When what the connection waits for now began.
  private var phaseStart: Instant
  /// When the reader of the answers took something last, or the first of them began to wait; nil when none waits.
  private var writeStart: Instant?
  /// Whether `phaseStart` is that of a head that has begun to arrive.
  private var isTimingHead = false

  init(_ service: HTTPService, token: UInt64, peer: SocketAddress) {
    self.service = service
    self.token = token
    self.peer = peer
    reader = RequestReader(limits: service.server.limits, peer: peer.description)
    phaseStart = Instant(nanoseconds: 0)
  }

  private var limits: Limits { service.server.limits }
  private var awaitsAnswer: Bool { reader.phase == .answering }

  // MARK: Reading

  mutating func readable(_ connection: inout Connection, _ turn: Turn, scratch: inout ByteBuffer) {
    let outcome: TransferOutcome
    if !pending.isEmpty {
      outcome = connection.receive(
        into: &pending, minimum: Conversation.readMinimum, maximum: limits.pipelinedBytesMax)
      advancePending(&connection, turn)
    } else if reader.wantsBody {
      outcome = reader.fill { body, maximum in connection.receive(into: &body, minimum: 1, maximum: maximum) }
      scratch.removeAll()
      advance(scratch, &connection, turn)
    } else {
      scratch.removeAll()
      outcome = connection.receive(
        into: &scratch, minimum: 1, maximum: awaitsAnswer ? limits.pipelinedBytesMax : .max)
      let used = advance(scratch, &connection, turn)
      if used < scratch.count { pending.append(scratch.span.extracting(used...)) }
    }
    switch outcome {
    case .moved, .wouldBlock: break
    case .failed: return connection.close()
    case .ended:
      hasEnded = true
      inputEnded(&connection, turn)
    }
    settle(&connection, turn)
  }

  private mutating func advancePending(_ connection: inout Connection, _ turn: Turn) {
    if pending.isEmpty { return }
    let input = exchange(&pending, with: ByteBuffer())
    let used = advance(input, &connection, turn)
    // Idle connections hold no buffer.
    if used == input.count { return }
    pending = input
    pending.removeFirst(used)
  }

  /// Lets the reader use the input as far as it can now.
  ///
  /// - Returns: how many bytes of it are used.
  @discardableResult
  private mutating func advance(_ input: borrowing ByteBuffer, _ connection: inout Connection, _ turn: Turn) -> Int {
    var used = 0
    while canAdvance(connection) {
      let before = reader.phase
      let step = reader.next(input.span, from: &used)
      if reader.phase != before { phaseStart = turn.now }
      switch step {
      case .needMore: return used
      case .sendContinue:
        let line = service.continueLine
        connection.send(line.span)
      case .request(let request):
        handOver(request, &connection, turn)
        if awaitsAnswer { return used }
      case .refuse(let refusal) where refusal.reason == .http2Preface:
        // In HTTP/1.1, since gRPC clients then wait before they try again; after a GOAWAY they come back at once.
        let advice = service.note(.http2OnHTTP, peer, turn)
        refuse(HTTPRefusal(.http2Preface, advice), closing: true, &connection, turn)
      case .refuse(let refusal): refuse(refusal, closing: true, &connection, turn)
      }
    }
    return used
  }

  /// Whether the next request may be looked at.
  private func canAdvance(_ connection: borrowing Connection) -> Bool {
    !awaitsAnswer && connection.isOpen && connection.unsentCount <= limits.unsentBytesMax
  }

  /// The client has ended its side: what is complete is answered, what is cut is refused.
  private mutating func inputEnded(_ connection: inout Connection, _ turn: Turn) {
    guard canAdvance(connection) else { return }
    if reader.phase == .body || !pending.isEmpty {
      refuse(HTTPRefusal(.malformed, "the request ends too early"), closing: true, &connection, turn)
    } else {
      connection.closeLingering(service.linger, turn)
    }
  }

  private mutating func handOver(_ request: HTTPRequest, _ connection: inout Connection, _ turn: Turn) {
    sequence += 1
    let reply = Reply(mailbox: service.mailbox, token: token, sequence: sequence)
    guard request.head.coding == .gzip else { return service.server.handler(request, reply) }
    do throws(GzipError) {
      let body = try service.decompressor.decompress(request.body.span, limit: limits.bodyBytesMax)
      service.server.handler(HTTPRequest(head: request.head, body: body, peer: request.peer), reply)
    } catch {
      refuse(Conversation.refusal(for: error), closing: false, &connection, turn)
    }
  }

  static func refusal(for error: GzipError) -> HTTPRefusal {
    switch error {
    case .tooLarge: HTTPRefusal(.bodyTooLarge, error.description)
    case .truncated, .corrupt: HTTPRefusal(.malformed, error.description)
    }
  }

  // MARK: Answering

  /// Answers the request that `sequence` counts, unless it was answered.
  mutating func deliver(_ response: HTTPResponse, _ sequence: UInt64, _ connection: inout Connection, _ turn: Turn) {
    guard sequence == self.sequence && awaitsAnswer else { return }
    answer(response, closing: false, &connection, turn)
    goOn(&connection, turn)
  }

  /// The next request may already be here.
  private mutating func goOn(_ connection: inout Connection, _ turn: Turn) {
    advancePending(&connection, turn)
    if hasEnded { inputEnded(&connection, turn) }
    if turn.isDraining && connection.isOpen { drain(&connection, turn) }
    settle(&connection, turn)
  }

  /// Writes the answer and goes on to the next request, or closes when one side wants to.
  private mutating func answer(_ response: HTTPResponse, closing: Bool, _ connection: inout Connection, _ turn: Turn) {
    let keepsAlive = reader.keepsAlive && !closing && !turn.isDraining
    service.write(response, isHead: reader.isHeadRequest, keepsAlive: keepsAlive, reader.isHTTP10, to: &connection)
    guard keepsAlive else { return connection.closeLingering(service.linger, turn) }
    reader.answered()
    phaseStart = turn.now
  }

  /// - Parameter closing: whether what follows on the connection cannot be understood.
  private mutating func refuse(_ refusal: HTTPRefusal, closing: Bool, _ connection: inout Connection, _ turn: Turn) {
    let refusal = refusal.path.isEmpty ? reader.located(refusal) : refusal
    var response = service.server.refusalBody(refusal)
    response.headers += refusal.headers
    answer(response, closing: closing, &connection, turn)
  }

  mutating func unsentShrank(_ connection: inout Connection, _ turn: Turn) {
    writeStart = turn.now
    goOn(&connection, turn)
  }

  // MARK: Waiting

  /// Decides what the connection waits for, and for how long.
  mutating func settle(_ connection: inout Connection, _ turn: Turn) {
    guard connection.isOpen else { return }
    let unsentCount = connection.unsentCount
    let isBehind = unsentCount > limits.unsentBytesMax
    let isFull = awaitsAnswer && pending.count >= limits.pipelinedBytesMax
    connection.isReading = !hasEnded && !isBehind && !isFull
    let waits = service.waits
    let now = turn.now
    let isHeadBegun = reader.phase == .head && !pending.isEmpty
    // The head's time runs from its first byte, which arrived now unless it is timed already.
    if isHeadBegun && !isTimingHead { phaseStart = now }
    isTimingHead = isHeadBegun
    switch reader.phase {
    case .head:
      connection.deadline =
        isHeadBegun ? phaseStart.after(nanoseconds: waits.head) : now.after(nanoseconds: waits.idle)
    case .body:
      let earned = UInt64(reader.bodyCount / limits.bodyBytesPerSecondMin) * 1_000_000_000
      connection.deadline = phaseStart.after(nanoseconds: waits.body + earned)
    case .answering: connection.deadline = phaseStart.after(nanoseconds: waits.answer)
    case .refused: break
    }
    guard unsentCount > 0 else { return writeStart = nil }
    // From when the reader took something last: what else arrives does not extend it, and it extends nothing else.
    let start = writeStart ?? now
    writeStart = start
    let writeDeadline = start.after(nanoseconds: waits.write)
    connection.deadline = min(connection.deadline ?? writeDeadline, writeDeadline)
  }

  mutating func deadlinePassed(_ connection: inout Connection, _ turn: Turn) {
    if connection.unsentCount > 0 { return connection.close() }
    switch reader.phase {
    case .answering:
      refuse(HTTPRefusal(.answerOverdue, "the request was not handled in time"), closing: true, &connection, turn)
    case .head where pending.isEmpty: connection.close()
    case .head, .body:
      refuse(HTTPRefusal(.timeout, "the request did not arrive in time"), closing: true, &connection, turn)
    case .refused: connection.close()
    }
  }

  func drain(_ connection: inout Connection, _ turn: Turn) {
    if reader.phase == .head && pending.isEmpty && connection.unsentCount == 0 { connection.close() }
  }
}
