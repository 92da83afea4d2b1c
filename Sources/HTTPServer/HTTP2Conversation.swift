// What happens on one HTTP/2 connection: its bytes, its times, and its end.

internal import Bytes
internal import HTTP2
internal import Reactor
internal import System

/// Drives an `HTTP2Exchange` with what arrives, and sends what it writes once per turn. Loop thread only.
///
/// Nothing is allocated for HTTP/2 before the client has sent its preface. While a slow reader leaves more than
/// `unsentBytesMax` unread, nothing more is read or written.
struct HTTP2Conversation: ~Copyable {
  /// How often streams are looked at while some are open.
  private static let tick: UInt64 = 1_000_000_000
  /// PINGs that came too soon, before the connection ends.
  private static let pingStrikesMax = 2
  private static let offenderLinger = Connection.Linger(time: .seconds(1), bytesMax: 64 << 10)

  private let service: HTTPService
  private let token: UInt64
  private let peer: SocketAddress
  private var exchange: HTTP2Exchange?
  /// What has arrived of the preface.
  private var opening = ByteBuffer()
  private var hasEnded = false
  private var isLeaving = false
  /// When the connection began, when bytes arrived last, and when the last request was answered.
  private var openedAt = Instant(nanoseconds: 0)
  private var receivedAt = Instant(nanoseconds: 0)
  private var idleSince = Instant(nanoseconds: 0)
  /// When streams are looked at next; nil while none is open.
  private var nextTick: Instant?
  /// When the reader of the answers took something last; nil when none waits.
  private var writeStart: Instant?
  private var pingSentAt: Instant?
  private var lastPeerPing: Instant?
  private var pingStrikes = 0
  /// How many of its requests the loop has been told to wait for memory.
  private var waiting = 0

  init(_ service: HTTPService, token: UInt64, peer: SocketAddress) {
    self.service = service
    self.token = token
    self.peer = peer
  }

  private var limits: Limits { service.server.limits }
  private var streamCount: Int { mutating get { exchange?.streamCount ?? 0 } }

  mutating func opened(_ connection: inout Connection, _ turn: Turn) {
    openedAt = turn.now
    (receivedAt, idleSince) = (turn.now, turn.now)
    settle(&connection, turn)
  }

  // MARK: Reading

  mutating func readable(_ connection: inout Connection, _ turn: Turn, scratch: inout ByteBuffer) {
    scratch.removeAll()
    let outcome = connection.receive(into: &scratch, minimum: 1, maximum: service.readMaximum)
    receivedAt = turn.now
    if exchange == nil { open(scratch.span, &connection, turn) } else { receive(scratch.span, &connection, turn) }
    switch outcome {
    case .moved, .wouldBlock: break
    case .failed: return connection.close()
    case .ended: hasEnded = true
    }
    settle(&connection, turn)
  }

  /// Waits for the whole preface; anything else is told where it belongs.
  private mutating func open(_ input: Span<UInt8>, _ connection: inout Connection, _ turn: Turn) {
    opening.append(input)
    switch HTTP2Opening(opening.span) {
    case .incomplete: return
    case .preface:
      exchange = HTTP2Exchange(
        limits: limits, peer: peer.description, at: turn.now, memory: service.server.shared.memory,
        admit: service.server.admit, wake: service.wakeStream(of: token))
      let received = Swift.exchange(&opening, with: ByteBuffer())
      receive(received.span, &connection, turn)
    case .other(let misdirection):
      service.turnAway(misdirection, peer, &connection, turn)
    }
  }

  private mutating func receive(_ input: Span<UInt8>, _ connection: inout Connection, _ turn: Turn) {
    exchange?.receive(input, at: turn.now)
    work(&connection, turn)
    watchPings(turn)
  }

  private mutating func work(_ connection: inout Connection, _ turn: Turn) {
    while let step = exchange?.next(&service.decompressor) { carryOut(step, turn) }
    connection.wantsTurnEnd = true
  }

  /// There may be memory for a request that waits.
  mutating func memoryFreed(for stream: Int32, _ connection: inout Connection, _ turn: Turn) {
    exchange?.memoryFreed(for: stream, at: turn.now)
    work(&connection, turn)
    settle(&connection, turn)
  }

  /// The connection is closed.
  mutating func closed() {
    exchange = nil
    noteWaiting()
  }

  /// Tells the loop how many requests of this connection wait for memory.
  private mutating func noteWaiting() {
    let count = exchange?.waitingCount ?? 0
    service.waiting += count - waiting
    waiting = count
  }

  private mutating func carryOut(_ step: HTTP2Exchange.Step, _ turn: Turn) {
    switch step {
    case .request(let request, let stream):
      let reply = Reply(mailbox: service.mailbox, token: token, sequence: UInt64(UInt32(bitPattern: stream)))
      service.server.handle(request, reply)
    case .refuse(let refusal, let stream):
      if refusal.reason == .memoryFull { service.server.shared.noteRefusedForMemory() }
      answer(service.server.answer(refusal), stream, turn)
    }
  }

  // MARK: Answering

  /// Answers the request on a stream, unless it was answered or has gone.
  mutating func deliver(_ response: HTTPResponse, _ sequence: UInt64, _ connection: inout Connection, _ turn: Turn) {
    answer(response, Int32(truncatingIfNeeded: sequence), turn)
    connection.wantsTurnEnd = true
  }

  private mutating func answer(_ response: HTTPResponse, _ stream: Int32, _ turn: Turn) {
    if exchange?.answer(stream, response, at: turn.now) == true {
      service.server.metrics.requestAnswered(response.status)
      pingStrikes = 0
    }
    idleSince = turn.now
  }

  mutating func turnEnded(_ connection: inout Connection, _ turn: Turn) {
    flush(&connection, turn)
    settle(&connection, turn)
  }

  /// Sends what is ready, as far as the reader keeps up.
  private mutating func flush(_ connection: inout Connection, _ turn: Turn) {
    guard exchange != nil else { return }
    while connection.isOpen && connection.unsentCount <= limits.unsentBytesMax {
      guard service.send(from: &exchange, to: &connection) else { break }
    }
    guard connection.isOpen, exchange?.isFinished == true else { return }
    guard let offence = exchange?.session.offence else {
      return connection.closeLingering(service.linger, turn)
    }
    service.server.metrics.http2Ended(offence)
    connection.closeLingering(HTTP2Conversation.offenderLinger, turn)
  }

  mutating func unsentShrank(_ connection: inout Connection, _ turn: Turn) {
    writeStart = turn.now
    flush(&connection, turn)
    settle(&connection, turn)
  }

  // MARK: Waiting

  /// Decides what the connection waits for, and for how long.
  private mutating func settle(_ connection: inout Connection, _ turn: Turn) {
    noteWaiting()
    guard connection.isOpen else { return }
    let isBusy = streamCount > 0
    let unsentCount = connection.unsentCount
    if hasEnded && unsentCount == 0 && !connection.wantsTurnEnd {
      // Nobody will open a window any more: what still waits for one is lost.
      guard isBusy, exchange?.awaitsAnswers == true else { return connection.close() }
    }
    connection.isReading = !hasEnded && unsentCount <= limits.unsentBytesMax
    let now = turn.now
    writeStart = unsentCount > 0 ? writeStart ?? now : nil
    guard isBusy || unsentCount > 0 else {
      nextTick = nil
      connection.deadline = quietDeadline
      return
    }
    var next = nextTick ?? now.after(nanoseconds: HTTP2Conversation.tick)
    nextTick = next
    if let first = exchange?.firstDeadline, first < next.nanoseconds { next = Instant(nanoseconds: first) }
    connection.deadline = next
  }

  /// When something has to happen although there are no requests.
  private var quietDeadline: Instant {
    guard exchange != nil else { return openedAt.after(nanoseconds: service.waits.head) }
    let waits = service.waits
    // Leaving, it only waits for the peer to close.
    if isLeaving { return idleSince.after(nanoseconds: waits.write) }
    let idle = idleSince.after(nanoseconds: waits.http2Idle)
    let age = openedAt.after(nanoseconds: waits.http2Age)
    let ping =
      pingSentAt.map { $0.after(nanoseconds: waits.pingTimeout) } ?? receivedAt.after(nanoseconds: waits.pingAfter)
    return min(idle, age, ping)
  }

  mutating func deadlinePassed(_ connection: inout Connection, _ turn: Turn) {
    guard exchange != nil else { return connection.close() }
    if let writeStart, turn.now >= writeStart.after(nanoseconds: service.waits.write) { return connection.close() }
    while let step = exchange?.nextOverdue(at: turn.now) { carryOut(step, turn) }
    nextTick = nil
    guard lookAfter(turn) else { return connection.close() }
    connection.wantsTurnEnd = true
    settle(&connection, turn)
  }

  /// Ends a connection that is idle or old, and asks for a sign of life of one that is silent.
  ///
  /// - Returns: false when it is to be closed at once.
  private mutating func lookAfter(_ turn: Turn) -> Bool {
    let (now, waits) = (turn.now, service.waits)
    let isIdle = streamCount == 0
    if isLeaving {
      if isIdle && now >= idleSince.after(nanoseconds: waits.write) { return false }
      return now < openedAt.after(nanoseconds: waits.http2Age).after(nanoseconds: waits.http2Grace)
    }
    if (isIdle && now >= idleSince.after(nanoseconds: waits.http2Idle))
      || now >= openedAt.after(nanoseconds: waits.http2Age)
    {
      leave(turn)
    } else if let sent = pingSentAt {
      if receivedAt > sent {
        pingSentAt = nil
      } else if now >= sent.after(nanoseconds: waits.pingTimeout) {
        return false
      }
    } else if now >= receivedAt.after(nanoseconds: waits.pingAfter) {
      exchange?.session.ping()
      pingSentAt = now
    }
    return true
  }

  /// Lets the requests in flight finish, and takes no more on this connection.
  private mutating func leave(_ turn: Turn) {
    isLeaving = true
    idleSince = turn.now
    exchange?.drain()
  }

  /// The Collector's `enforcement_policy`: a peer may not ask for signs of life as often as it likes.
  private mutating func watchPings(_ turn: Turn) {
    guard let pings = exchange?.session.takePings(), pings.count > 0, let least = limits.keepalive.pingIntervalMin
    else { return }
    let isAllowed = limits.keepalive.allowsIdlePings || streamCount > 0
    let isSoon = lastPeerPing.map { turn.now.since($0) < least } ?? false
    lastPeerPing = turn.now
    pingStrikes += pings.count - (isSoon || !isAllowed ? 0 : 1)
    if pingStrikes > HTTP2Conversation.pingStrikesMax { exchange?.session.end(.controlFlood, "too_many_pings") }
  }

  mutating func drain(_ connection: inout Connection, _ turn: Turn) {
    guard exchange != nil else { return connection.close() }
    leave(turn)
    connection.wantsTurnEnd = true
  }
}

/// What the first bytes of a connection are.
enum HTTP2Opening {
  case incomplete
  case preface
  /// Something else; nil when it is nothing we know.
  case other(MisdirectedRequests.Kind?)

  init(_ bytes: Span<UInt8>) {
    let preface = HTTP2Session.preface
    let count = min(bytes.count, preface.utf8CodeUnitCount)
    if bytes.extracting(0..<count).isBeginning(of: preface) {
      self = count == preface.utf8CodeUnitCount ? .preface : .incomplete
    } else if bytes[0] == 22 {
      // RFC 8446 section 5.1: a TLS connection begins with a handshake record, type 22.
      self = .other(.tlsOnPlain)
    } else {
      // RFC 9112 section 3: a request line begins with a method, a token that is followed by a space.
      let end = bytes.firstIndex(of: UInt8(ascii: " ")) ?? bytes.count
      let isMethod = end > 0 && bytes.extracting(0..<end).indices.allSatisfy { Characters.isToken(bytes[$0]) }
      self = .other(isMethod ? .http1OnGRPC : nil)
    }
  }
}
