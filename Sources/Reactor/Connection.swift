// One connection on its event loop: bytes in, bytes out, a deadline, and an end that the peer can read.

package import Bytes
package import System
internal import TLS

/// A connected socket that belongs to one event loop, lent to its handler for each call.
///
/// Output that the kernel does not take at once is kept here and sent when the socket is writable again; the handler
/// bounds it by not producing more while `unsentCount` is large.
package struct Connection: ~Copyable {
  /// How the end of a connection is bounded once nothing more will be answered.
  package struct Linger: Sendable {
    /// How long the peer may keep sending.
    package let time: Duration
    /// How many bytes of it are read and thrown away.
    package let bytesMax: Int

    package init(time: Duration, bytesMax: Int) {
      self.time = time
      self.bytesMax = bytesMax
    }
  }

  private enum Phase {
    case open
    /// Nothing more will be sent than `unsent`; then what arrives is thrown away, at most so many bytes.
    case lingering(bytesLeft: Int)
    case closed
  }

  /// How long a connection lingers at most while the reactor stops.
  private static let drainLinger = Duration.milliseconds(500)
  /// For a client that could not be served over TLS.
  private static let handshakeLinger = Linger(time: .seconds(1), bytesMax: 64 << 10)

  /// Names the connection for as long as it lives; never used again.
  package let token: UInt64
  /// Who is at the other end.
  package let peer: SocketAddress
  /// Whether arriving bytes are reported. Pausing pushes back: the peer's window closes.
  package var isReading = true
  /// When the handler is told that it waited long enough; `nil` for never.
  package var deadline: Instant?

  private var channel: Channel
  private let security: TransportSecurity?
  private var phase = Phase.open
  /// What the kernel has not taken yet begins at `unsentStart`.
  private var unsent = ByteBuffer()
  private var unsentStart = 0

  /// What epoll has been told. The loop's.
  var watched: Epoll.Interest = .read
  /// Whether the loop has it in its list of connections to read from without an event. The loop's.
  var isUnfinished = false
  /// The earliest entry of this connection in the loop's queue. The loop's.
  var queuedDeadline: Instant?

  /// - Parameter security: nil for plain text.
  init(_ socket: consuming Socket, token: UInt64, peer: SocketAddress, _ security: TransportSecurity?) {
    let session = security?.server.session(on: socket.number)
    channel = Channel(socket, session)
    // Without memory for a session nothing can be said: plain text would be worse.
    if security != nil && session == nil { phase = .closed }
    self.security = security
    self.token = token
    self.peer = peer
  }

  /// Whether the handler still gets calls.
  package var isOpen: Bool {
    if case .open = phase { return true }
    return false
  }

  /// How many bytes handed to `send` have not left yet.
  package var unsentCount: Int { unsent.count - unsentStart }

  // MARK: Bytes

  /// Appends what has arrived to `buffer`: at least `minimum` bytes of room are lent, at most `maximum`.
  package mutating func receive(into buffer: inout ByteBuffer, minimum: Int, maximum: Int) -> TransferOutcome {
    guard isOpen else { return .ended }
    var outcome = TransferOutcome.wouldBlock
    buffer.appendTail(minimum: minimum, maximum: maximum) { tail in outcome = channel.receive(into: &tail) }
    return outcome
  }

  /// Sends `bytes`, or keeps a copy of what the kernel does not take now. A broken connection is closed.
  package mutating func send(_ bytes: Span<UInt8>) {
    guard isOpen else { return }
    var sent = 0
    if unsentCount == 0 {
      switch channel.send(bytes) {
      case .moved(let count): sent = count
      case .wouldBlock: break
      case .ended, .failed: return close()
      }
    }
    if sent < bytes.count { unsent.append(bytes.extracting(sent...)) }
  }

  // MARK: The end

  /// Closes at the end of the call; unsent bytes are lost.
  package mutating func close() { phase = .closed }

  /// Sends what is unsent, ends the output, reads on for a bounded while, and closes. The handler hears no more than
  /// that it closed.
  ///
  /// RFC 9112 section 9.6: closing at once while the peer still sends would reset the connection, and the reset may
  /// overtake the last answer.
  package mutating func closeLingering(_ linger: Linger, _ turn: Turn) {
    guard isOpen else { return }
    phase = .lingering(bytesLeft: linger.bytesMax)
    isReading = true
    deadline = turn.now + (turn.isDraining ? min(linger.time, Connection.drainLinger) : linger.time)
    if unsentCount == 0 { channel.endOutput() }
  }

  // MARK: Called by the loop

  var number: Int32 { channel.number }

  var isClosed: Bool {
    if case .closed = phase { return true }
    return false
  }

  /// What epoll should watch.
  var interest: Epoll.Interest { channel.interest(reading: isReading, writing: unsentCount > 0) }

  /// Whether the handler should be asked to read although epoll may not say so.
  var mayHaveMore: Bool { channel.mayHaveMore && isReading && isOpen }

  /// The first call: hands the connection to its handler, or waits for the handshake first.
  mutating func open(_ turn: Turn, _ handler: any ConnectionHandler) {
    if channel.isReady { return handler.opened(&self, turn) }
    if let security { deadline = turn.now + security.handshakeTime }
  }

  mutating func handle(
    _ event: Epoll.Event, _ turn: Turn, _ handler: any ConnectionHandler, scratch: inout ByteBuffer
  ) {
    if isOpen && !channel.isReady { return shakeHands(turn, handler) }
    if unsentCount > 0 && channel.mayWrite(on: event) { flush(turn, handler) }
    guard channel.mayRead(on: event) else { return }
    switch phase {
    case .open:
      // With reading paused only an error or a hang-up arrives here, and nothing will ever be sent again.
      if isReading { handler.readable(&self, turn, scratch: &scratch) } else if event.isDead { close() }
    case .lingering(let bytesLeft): discard(bytesLeft, scratch: &scratch)
    case .closed: break
    }
  }

  /// Reads what epoll does not know of.
  mutating func readMore(_ turn: Turn, _ handler: any ConnectionHandler, scratch: inout ByteBuffer) {
    if mayHaveMore { handler.readable(&self, turn, scratch: &scratch) }
  }

  private mutating func shakeHands(_ turn: Turn, _ handler: any ConnectionHandler) {
    channel.shakeHands()
    switch channel.handshake {
    case .wantsRead, .wantsWrite: break
    case .done:
      deadline = nil
      handler.opened(&self, turn)
    case .failed(let failure): handshakeFailed(failure, turn)
    }
  }

  /// Lets the peer read what TLS, or a helpful server, has to say about it.
  private mutating func handshakeFailed(_ failure: HandshakeFailure, _ turn: Turn) {
    if let answer = security?.failed(failure, peer) { channel.sendPlain(answer.span) }
    closeLingering(Connection.handshakeLinger, turn)
  }

  mutating func passDeadline(_ turn: Turn, _ handler: any ConnectionHandler) {
    deadline = nil
    guard isOpen else { return close() }
    if channel.isReady { return handler.deadlinePassed(&self, turn) }
    _ = security?.failed(.timeout, peer)
    close()
  }

  mutating func drain(_ turn: Turn, _ handler: any ConnectionHandler) {
    switch phase {
    case .open: if channel.isReady { handler.drain(&self, turn) } else { close() }
    case .lingering: deadline = turn.now + Connection.drainLinger
    case .closed: break
    }
  }

  private mutating func flush(_ turn: Turn, _ handler: any ConnectionHandler) {
    switch channel.send(unsent, from: unsentStart) {
    case .moved(let count): unsentStart += count
    case .wouldBlock: return
    case .ended, .failed: return close()
    }
    if unsentCount == 0 {
      // A slow reader's backlog is given back whole.
      unsent = ByteBuffer()
      unsentStart = 0
      if !isOpen { channel.endOutput() }
    } else if unsentStart >= unsentCount {
      // More is sent than is left: what was sent goes, so a reader that is never quite up to date costs no memory.
      unsent.removeFirst(unsentStart)
      unsentStart = 0
    }
    if isOpen { handler.unsentShrank(&self, turn) }
  }

  private mutating func discard(_ bytesLeft: Int, scratch: inout ByteBuffer) {
    scratch.removeAll()
    var outcome = TransferOutcome.wouldBlock
    scratch.appendTail(minimum: 0) { tail in outcome = channel.discard(into: &tail) }
    switch outcome {
    case .wouldBlock: return
    case .moved(let count) where count > 0 && count < bytesLeft: phase = .lingering(bytesLeft: bytesLeft - count)
    case .moved, .failed: close()
    case .ended:
      // The peer is done; what is unsent may still have a reader.
      if unsentCount == 0 { close() } else { isReading = false }
    }
  }
}
