// One connection on its event loop: bytes in, bytes out, a deadline, and an end that the peer can read.

package import Bytes
package import System

/// A connected socket that belongs to one event loop. Loop thread only.
///
/// Output that the kernel does not take at once is kept here and sent when the socket is writable again; the handler
/// bounds it by not producing more while `unsentCount` is large.
package final class Connection {
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

  /// How long a connection lingers at most while the reactor stops.
  private static let drainLinger = Duration.milliseconds(500)

  private enum Phase {
    case open
    /// Nothing more will be sent than `unsent`; then what arrives is thrown away, at most so many bytes.
    case lingering(bytesLeft: Int)
    case closed
  }

  /// Names the connection for as long as it lives; never used again.
  package let token: UInt64
  /// Who is at the other end.
  package let peer: SocketAddress
  package unowned let loop: EventLoop

  private let socket: Socket
  package let handler: any ConnectionHandler
  private var phase = Phase.open
  private var interest: Epoll.Interest = .read

  /// What the kernel has not taken yet begins at `unsentStart`.
  private var unsent = ByteBuffer()
  private var unsentStart = 0
  /// How many bytes handed to `send` have not left yet.
  package var unsentCount: Int { unsent.count - unsentStart }

  /// The earliest entry of this connection in the loop's queue.
  private var queuedDeadline: Instant?

  /// When the handler is told that it waited long enough; `nil` for never.
  package var deadline: Instant? {
    didSet {
      guard let deadline, queuedDeadline.map({ deadline < $0 }) ?? true else { return }
      queuedDeadline = deadline
      loop.queue(deadline, token: token)
    }
  }

  init(
    _ socket: consuming Socket, token: UInt64, peer: SocketAddress, loop: EventLoop, handler: any ConnectionHandler
  ) {
    self.socket = socket
    self.token = token
    self.peer = peer
    self.loop = loop
    self.handler = handler
  }

  var number: Int32 { socket.number }

  /// Whether the handler still gets calls.
  package var isOpen: Bool {
    if case .open = phase { return true }
    return false
  }

  // MARK: Work

  /// Whether arriving bytes are reported. Pausing pushes back: the peer's window closes.
  package var isReading: Bool {
    get { interest.contains(.read) }
    set { watch(newValue ? interest.union(.read) : interest.subtracting(.read)) }
  }

  /// Appends what has arrived to `buffer`: at least `minimum` bytes of room are lent, at most `maximum`.
  package func receive(into buffer: inout ByteBuffer, minimum: Int, maximum: Int) -> TransferOutcome {
    guard case .open = phase else { return .ended }
    var outcome = TransferOutcome.wouldBlock
    buffer.appendTail(minimum: minimum, maximum: maximum) { tail in outcome = socket.receive(into: &tail) }
    return outcome
  }

  /// Sends `bytes`, or keeps a copy of what the kernel does not take now. A broken connection is closed.
  package func send(_ bytes: Span<UInt8>) {
    guard case .open = phase else { return }
    var sent = 0
    if unsentCount == 0 {
      switch socket.send(bytes) {
      case .moved(let count): sent = count
      case .wouldBlock: break
      case .ended, .failed: return close()
      }
    }
    guard sent < bytes.count else { return }
    unsent.append(bytes.extracting(sent...))
    watch(interest.union(.write))
  }

  package func send(_ bytes: Bytes) { send(bytes.span) }

  package func send(_ buffer: borrowing ByteBuffer) { send(buffer.span) }

  // MARK: The end

  /// Closes now; unsent bytes are lost.
  package func close() {
    if case .closed = phase { return }
    phase = .closed
    loop.forget(self)
    handler.closed(self)
  }

  /// Sends what is unsent, ends the output, reads on for a bounded while, and closes. The handler hears no more than
  /// that it closed.
  ///
  /// RFC 9112 section 9.6: closing at once while the peer still sends would reset the connection, and the reset may
  /// overtake the last answer.
  package func closeLingering(_ linger: Linger) {
    guard case .open = phase else { return }
    phase = .lingering(bytesLeft: linger.bytesMax)
    isReading = true
    deadline = loop.now + (loop.isDraining ? min(linger.time, Connection.drainLinger) : linger.time)
    if unsentCount == 0 { socket.shutdownWrite() }
  }

  // MARK: Called by the loop

  func handle(_ event: Epoll.Event, scratch: inout ByteBuffer) {
    if event.isWritable && unsentCount > 0 { flush() }
    guard event.isReadable else { return }
    switch phase {
    case .open:
      // With reading paused only an error or a hang-up arrives here, and nothing will ever be sent again.
      if isReading { handler.readable(self, scratch: &scratch) } else if event.isDead { close() }
    case .lingering(let bytesLeft): discard(bytesLeft, scratch: &scratch)
    case .closed: break
    }
  }

  func drain() {
    switch phase {
    case .open: handler.drain(self)
    case .lingering: deadline = loop.now + Connection.drainLinger
    case .closed: break
    }
  }

  /// An entry of the queue came up: either the deadline has passed, or it was moved later in the meantime.
  func deadlineCameUp(_ entry: Instant, now: Instant) {
    guard entry == queuedDeadline else { return }
    queuedDeadline = nil
    guard let deadline else { return }
    if deadline > now {
      self.deadline = deadline
    } else {
      self.deadline = nil
      if isOpen { handler.deadlinePassed(self) } else { close() }
    }
  }

  private func flush() {
    switch socket.send(unsent.span.extracting(unsentStart...)) {
    case .moved(let count): unsentStart += count
    case .wouldBlock: return
    case .ended, .failed: return close()
    }
    if unsentCount == 0 {
      // A slow reader's backlog is given back whole.
      unsent = ByteBuffer()
      unsentStart = 0
      watch(interest.subtracting(.write))
      if !isOpen { socket.shutdownWrite() }
    }
    if isOpen { handler.unsentShrank(self) }
  }

  private func discard(_ bytesLeft: Int, scratch: inout ByteBuffer) {
    scratch.removeAll()
    var outcome = TransferOutcome.wouldBlock
    scratch.appendTail(minimum: 0) { tail in outcome = socket.receive(into: &tail) }
    switch outcome {
    case .wouldBlock: return
    case .moved(let count) where count > 0 && count < bytesLeft: phase = .lingering(bytesLeft: bytesLeft - count)
    case .moved, .failed: close()
    case .ended:
      // The peer is done; what is unsent may still have a reader.
      if unsentCount == 0 { close() } else { isReading = false }
    }
  }

  private func watch(_ wanted: Epoll.Interest) {
    guard wanted != interest else { return }
    if case .closed = phase { return }
    interest = wanted
    loop.watch(self, wanted)
  }
}
