// The bytes of a connection on their way through the kernel: as they are, or through TLS.

internal import Bytes
internal import System
internal import TLS

/// A socket, and the TLS session on it if there is one.
///
/// TLS may need the socket writable to read and readable to write, and holds back bytes that the kernel has given it
/// already: `interest`, `mayRead`, `mayWrite` and `mayHaveMore` tell the loop what plain sockets tell by themselves.
struct Channel: ~Copyable {
  /// How far the handshake is.
  enum Handshake: Equatable {
    case wantsRead
    case wantsWrite
    case done
    case failed(HandshakeFailure)
  }

  private let socket: Socket
  private let session: TLSSession?
  /// Plain sockets have none to do.
  private(set) var handshake: Handshake
  /// Whether OpenSSL has been given the client's first bytes.
  private var hasBegun = false
  private var readWantsWrite = false
  private var writeWantsRead = false
  /// Whether bytes may wait inside the session, of which epoll knows nothing.
  private(set) var mayHaveMore = false

  init(_ socket: consuming Socket, _ session: TLSSession?) {
    self.socket = socket
    self.session = session
    handshake = session == nil ? .done : .wantsRead
  }

  var number: Int32 { socket.number }
  var isReady: Bool { handshake == .done }

  // MARK: What epoll watches and says

  func interest(reading: Bool, writing: Bool) -> Epoll.Interest {
    switch handshake {
    case .wantsRead: return .read
    case .wantsWrite: return .write
    case .done, .failed: break
    }
    let reads = (reading && !readWantsWrite) || (writing && writeWantsRead)
    let writes = (reading && readWantsWrite) || (writing && !writeWantsRead)
    return Epoll.Interest(reads: reads, writes: writes)
  }

  func mayRead(on event: Epoll.Event) -> Bool { event.isReadable || (readWantsWrite && event.isWritable) }
  func mayWrite(on event: Epoll.Event) -> Bool { event.isWritable || (writeWantsRead && event.isReadable) }

  // MARK: Bytes

  /// Goes on with the handshake as far as the socket lets it.
  mutating func shakeHands() {
    guard let session else { return }
    // gRPC in plain text begins with HTTP/2's preface, which OpenSSL takes for a strange version.
    if !hasBegun && socket.begins(with: "PRI * HTTP/2.0") { return handshake = .failed(.plainHTTP) }
    hasBegun = true
    switch session.handshake() {
    case .moved:
      handshake = .done
      // The first request may have come with the end of the handshake.
      mayHaveMore = true
    case .wantsRead: handshake = .wantsRead
    case .wantsWrite: handshake = .wantsWrite
    case .ended: handshake = .failed(.refused("the client ended the connection"))
    case .failed(let failure): handshake = .failed(failure)
    }
  }

  /// Appends what has arrived, as much as fits.
  mutating func receive(into tail: inout OutputRawSpan) -> TransferOutcome {
    guard let session else { return socket.receive(into: &tail) }
    var total = 0
    readWantsWrite = false
    while tail.freeCapacity > 0 {
      switch session.receive(into: &tail) {
      case .moved(let count):
        total += count
        mayHaveMore = session.mayHaveMore
        if !mayHaveMore { return .moved(total) }
      case .wantsRead:
        mayHaveMore = false
        return total > 0 ? .moved(total) : .wouldBlock
      case .wantsWrite:
        mayHaveMore = false
        readWantsWrite = true
        return total > 0 ? .moved(total) : .wouldBlock
      // Told again by the next call, once what came before is used.
      case .ended:
        mayHaveMore = total > 0
        return total > 0 ? .moved(total) : .ended
      case .failed:
        mayHaveMore = total > 0
        return total > 0 ? .moved(total) : .failed(0)
      }
    }
    return .moved(total)
  }

  /// Sends as much of `bytes` as the kernel takes now; what it did not take must come again first.
  mutating func send(_ bytes: Span<UInt8>) -> TransferOutcome {
    guard let session else { return socket.send(bytes) }
    var sent = 0
    writeWantsRead = false
    while sent < bytes.count {
      switch session.send(bytes.extracting(sent...)) {
      case .moved(let count): sent += count
      case .wantsWrite: return sent > 0 ? .moved(sent) : .wouldBlock
      case .wantsRead:
        writeWantsRead = true
        return sent > 0 ? .moved(sent) : .wouldBlock
      case .ended: return .ended
      case .failed: return .failed(0)
      }
    }
    return .moved(sent)
  }

  mutating func send(_ buffer: borrowing ByteBuffer, from start: Int) -> TransferOutcome {
    send(buffer.span.extracting(start...))
  }

  // MARK: The end

  /// Sends bytes that are not for the session: to a client that could not be served over TLS.
  borrowing func sendPlain(_ bytes: Span<UInt8>) { _ = socket.send(bytes) }

  /// Tells the peer that no more bytes come.
  borrowing func endOutput() {
    if isReady { session?.endOutput() }
    socket.shutdownWrite()
  }

  /// Takes what still arrives, as it is on the wire, to throw it away.
  borrowing func discard(into tail: inout OutputRawSpan) -> TransferOutcome { socket.receive(into: &tail) }
}
