// What happens on one HTTP/1.1 connection: requests are read, handed over and answered, one after the other.

internal import Bytes
internal import Compression
internal import Reactor
internal import System

/// A request that waits for memory.
private struct MemoryWait {
  enum Purpose {
    /// Its body, before it is read; in all so many bytes.
    case body(total: Int)
    /// Its content, before it is unpacked.
    case content(of: HTTPRequest, Decompressor.Format, Reply, claim: Int)
  }

  /// What the budget calls the waiting.
  let id: UInt64
  let purpose: Purpose
}

/// Drives a `RequestReader` with what arrives and answers one request after the other. Loop thread only.
///
/// While an answer is due, at most `pipelinedBytesMax` of the next requests are read; while a slow reader leaves more
/// than `unsentBytesMax` of answers unread, nothing is. So a client's own slowness bounds what it costs.
struct Conversation: ~Copyable {
  private static let readMinimum = 4 << 10
  /// A body this large is likely followed by another one.
  private static let largeBody = 64 << 10

  private let service: HTTPService
  private let token: UInt64
  private let peer: SocketAddress
  private var reader: RequestReader
  /// Bytes that have arrived and cannot be used yet; empty when a request came in one piece.
  private var pending = ByteBuffer()
  /// Counts the requests, so that a reply finds its own only.
  private var sequence: UInt64 = 0
  private var lastBodyBytes = 0
  /// The client sends nothing more.
  private var hasEnded = false
  /// When what the connection waits for now began.
  private var phaseStart: Instant
  /// When the reader of the answers took something last, or the first of them began to wait; nil when none waits.
  private var writeStart: Instant?
  /// Whether `phaseStart` is that of a head that has begun to arrive.
  private var isTimingHead = false
  /// When the body must have come on: every byte earns time, but never more than a body has to begin with.
  private var bodyDeadline: Instant
  /// How many bytes of the body have earned their time.
  private var bodyCounted = 0
  /// Memory for the current request's body.
  private var reservation: Reservation
  /// Memory for `pending`.
  private var pendingReservation: Reservation
  /// What the current request waits for memory with.
  private var wait: MemoryWait?

  init(_ service: HTTPService, token: UInt64, peer: SocketAddress) {
    self.service = service
    self.token = token
    self.peer = peer
    reader = RequestReader(
      limits: service.server.limits, peer: peer.description, admit: service.server.admit)
    phaseStart = Instant(nanoseconds: 0)
    bodyDeadline = phaseStart
    reservation = Reservation(service.server.shared.memory)
    pendingReservation = Reservation(service.server.shared.memory)
  }

  /// The connection is closed.
  mutating func closed() { stopWaiting() }

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
        into: &scratch, minimum: 1, maximum: awaitsAnswer ? limits.pipelinedBytesMax : readMaximum)
      let used = advance(scratch, &connection, turn)
      if used < scratch.count && connection.isOpen { pending.append(scratch.span.extracting(used...)) }
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

  /// How much is read of what may be a new request. What is read of a large body with its head is copied once more.
  private var readMaximum: Int {
    lastBodyBytes > Conversation.largeBody ? Conversation.readMinimum : service.readMaximum
  }

  private mutating func advancePending(_ connection: inout Connection, _ turn: Turn) {
    if pending.isEmpty { return }
    let input = exchange(&pending, with: ByteBuffer())
    let used = advance(input, &connection, turn)
    // Idle connections hold no buffer.
    if used == input.count || !connection.isOpen { return }
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
      if reader.phase != before { beginPhase(turn) }
      switch step {
      case .needMore: return used
      case .sendContinue:
        let line = service.continueLine
        connection.send(line.span)
      case .reserve(let total):
        if makeRoom(total, for: .body(total: total), turn) { reader.granted(total) }
      case .request(let request):
        handOver(request, &connection, turn)
        if awaitsAnswer { return used }
      case .refuse(let refusal): refuse(refusal, closing: true, &connection, turn)
      }
    }
    return used
  }

  /// Whether the next request may be looked at.
  private func canAdvance(_ connection: borrowing Connection) -> Bool {
    !awaitsAnswer && wait == nil && connection.isOpen && connection.unsentCount <= limits.unsentBytesMax
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
    lastBodyBytes = request.body.count
    let reply = Reply(mailbox: service.mailbox, token: token, sequence: sequence)
    guard let format = request.head.coding?.format else { return service.server.handle(request, reply) }
    // Telemetry shrinks five- to fifteenfold; who claims more in the end has to ask for it.
    unpack(request, format, claim: request.body.count * 16 + 64 << 10, reply, &connection, turn)
  }

  /// Hands a packed request over when there is memory for its content.
  ///
  /// - Parameter claim: how large the content may be this time; it grows until it is the limit.
  private mutating func unpack(
    _ request: HTTPRequest, _ format: Decompressor.Format, claim: Int, isWoken: Bool = false, _ reply: Reply,
    _ connection: inout Connection,
    _ turn: Turn
  ) {
    // Both forms are held at once, and must be able to fit.
    let claimMax = min(limits.bodyBytesMax, service.server.shared.memory.largeBytesMax - request.body.count)
    var claim = min(claim, claimMax)
    while true {
      let total = request.body.count + claim
      guard makeRoom(total, for: .content(of: request, format, reply, claim: claim), isWoken: isWoken, turn) else {
        return
      }
      do throws(DecompressionError) {
        let body = try service.decompressor.decompress(request.body.span, as: format, limit: claim)
        reservation.shrink(to: body.count)
        return service.server.handle(request.with(body: body), reply)
      } catch {
        guard case .tooLarge = error, claim < claimMax else {
          return refuse(Conversation.refusal(for: error), closing: false, &connection, turn)
        }
        // Nothing is held while more is waited for: requests that did would wait for each other.
        reservation.shrink(to: request.body.count)
        claim = min(claim * 4, claimMax)
      }
    }
  }

  static func refusal(for error: DecompressionError) -> HTTPRefusal {
    switch error {
    case .tooLarge: HTTPRefusal(.bodyTooLarge, error.description)
    case .truncated, .corrupt, .windowTooLarge: HTTPRefusal(.malformed, error.description)
    }
  }

  // MARK: Memory

  /// - Returns: whether the current request has `total` bytes reserved; if not, it waits for them.
  private mutating func makeRoom(
    _ total: Int, for purpose: MemoryWait.Purpose, isWoken: Bool = false, _ turn: Turn
  ) -> Bool {
    let id = reservation.grow(to: total, isWoken: isWoken, wake: service.wake(token))
    guard let id else { return true }
    // The time to wait does not begin again for who was woken in vain.
    wait = MemoryWait(id: id, purpose: purpose)
    if !isWoken { phaseStart = turn.now }
    service.waiting += 1
    return false
  }

  /// There may be memory now.
  mutating func memoryFreed(_ connection: inout Connection, _ turn: Turn) {
    guard let wait else { return }
    stopWaiting()
    switch wait.purpose {
    case .body(let total):
      if makeRoom(total, for: wait.purpose, isWoken: true, turn) {
        reader.granted(total)
        beginPhase(turn)
      }
    case .content(let request, let format, let reply, let claim):
      unpack(request, format, claim: claim, isWoken: true, reply, &connection, turn)
    }
    goOn(&connection, turn)
  }

  private mutating func stopWaiting() {
    guard let wait else { return }
    service.server.shared.memory.forget(wait.id)
    service.waiting -= 1
    self.wait = nil
  }

  private mutating func waitedInVain(_ connection: inout Connection, _ turn: Turn) {
    memoryFreed(&connection, turn)
    guard let wait else { return }
    stopWaiting()
    let isBodyRead = if case .content = wait.purpose { true } else { false }
    refuse(.noMemory, closing: !isBodyRead, &connection, turn)
    goOn(&connection, turn)
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
    reservation.shrink(to: 0)
    var response = response
    if let cors = service.server.cors { response.headers += reader.fields(of: cors) }
    service.write(response, isHead: reader.isHeadRequest, keepsAlive: keepsAlive, reader.isHTTP10, to: &connection)
    guard keepsAlive else {
      pending = ByteBuffer()
      pendingReservation.shrink(to: 0)
      return connection.closeLingering(service.linger, turn)
    }
    reader.answered()
    phaseStart = turn.now
  }

  /// - Parameter closing: whether what follows on the connection cannot be understood.
  private mutating func refuse(_ refusal: HTTPRefusal, closing: Bool, _ connection: inout Connection, _ turn: Turn) {
    let refusal = refusal.path.isEmpty ? reader.located(refusal) : refusal
    switch refusal.reason {
    case .tlsHandshake: service.server.shared.misdirected.note(.tlsOnPlain, peer: connection.peer.description)
    // Answered in HTTP/1.1, since gRPC clients then wait before they try again; after a GOAWAY they come back at once.
    case .http2Preface: service.server.shared.misdirected.note(.http2OnHTTP, peer: connection.peer.description)
    case .memoryFull: service.server.shared.noteRefusedForMemory()
    default: break
    }
    answer(service.server.answer(refusal), closing: closing, &connection, turn)
  }

  mutating func unsentShrank(_ connection: inout Connection, _ turn: Turn) {
    writeStart = turn.now
    goOn(&connection, turn)
  }

  // MARK: Waiting

  /// The times of what comes next run from now.
  private mutating func beginPhase(_ turn: Turn) {
    phaseStart = turn.now
    guard reader.phase == .body else { return }
    bodyDeadline = turn.now.after(nanoseconds: service.waits.body)
    bodyCounted = 0
  }

  /// Reserves memory for what is held back; a client for whose header there is none is refused.
  private mutating func reservePending(_ connection: inout Connection, _ turn: Turn) {
    let cost = pending.capacity > limits.unreservedBodyBytesMax ? pending.capacity : 0
    if cost == pendingReservation.bytes || pendingReservation.resize(to: cost) || awaitsAnswer || wait != nil { return }
    refuse(.noMemory, closing: true, &connection, turn)
  }

  /// Decides what the connection waits for, and for how long.
  mutating func settle(_ connection: inout Connection, _ turn: Turn) {
    reservePending(&connection, turn)
    guard connection.isOpen else { return }
    let unsentCount = connection.unsentCount
    let isBehind = unsentCount > limits.unsentBytesMax
    let isFull = awaitsAnswer && pending.count >= limits.pipelinedBytesMax
    connection.isReading = !hasEnded && !isBehind && !isFull && wait == nil
    let waits = service.waits
    let now = turn.now
    let isHeadBegun = reader.phase == .head && !pending.isEmpty
    // The head's time runs from its first byte, which arrived now unless it is timed already.
    if isHeadBegun && !isTimingHead { phaseStart = now }
    isTimingHead = isHeadBegun
    switch reader.phase {
    case _ where wait != nil: connection.deadline = phaseStart.after(nanoseconds: waits.hold)
    case .head:
      connection.deadline =
        isHeadBegun ? phaseStart.after(nanoseconds: waits.head) : now.after(nanoseconds: waits.idle)
    case .body:
      let earned = UInt64(max(0, reader.bodyCount - bodyCounted)) * 1_000_000_000 / UInt64(limits.bodyBytesPerSecondMin)
      bodyDeadline = min(bodyDeadline.after(nanoseconds: earned), now.after(nanoseconds: waits.body))
      bodyCounted = reader.bodyCount
      connection.deadline = bodyDeadline
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
    if wait != nil { return waitedInVain(&connection, turn) }
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
