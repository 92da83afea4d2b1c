// One client's TLS on its socket.

internal import COpenSSL

/// How an attempt to move a session on ended.
package enum TLSOutcome: Sendable, Equatable {
  /// So many bytes of plain text were moved; none for a handshake that is done.
  case moved(Int)
  /// Nothing moves before the socket can be read.
  case wantsRead
  /// Nothing moves before the socket can be written.
  case wantsWrite
  /// The peer sends no more bytes.
  case ended
  case failed(HandshakeFailure)
}

/// The server's side of one TLS connection over a non-blocking socket. One thread at a time.
// `@safe`: the pointer is private and lives as long as the object.
@safe
package final class TLSSession {
  /// Kept alive: OpenSSL's callbacks point to it.
  private let context: TLSContext
  private let pointer: OpaquePointer
  /// After a failure OpenSSL must not be asked to say goodbye.
  private var isBroken = false

  /// - Parameter socket: the connection's descriptor, which must stay open for as long as the session lives.
  init?(_ context: TLSContext, socket: Int32) {
    guard let pointer = unsafe context.openSSL.functions.SSL_new(context.pointer) else { return nil }
    self.context = context
    unsafe self.pointer = pointer
    // Safe: the session is new; OpenSSL does not close the descriptor.
    guard unsafe context.openSSL.functions.SSL_set_fd(pointer, socket) == 1 else { return nil }
    unsafe context.openSSL.functions.SSL_set_accept_state(pointer)
  }

  deinit { unsafe context.openSSL.functions.SSL_free(pointer) }

  /// Whether more plain text may be read without the socket becoming readable: epoll does not know of it.
  package var mayHaveMore: Bool { unsafe context.openSSL.functions.SSL_has_pending(pointer) == 1 }

  /// Goes on with the handshake; `.moved` when it is done.
  package func handshake() -> TLSOutcome {
    context.openSSL.clearErrors()
    let result = unsafe context.openSSL.functions.SSL_do_handshake(pointer)
    return result == 1 ? .moved(0) : outcome(of: result)
  }

  /// Appends what has arrived, at most the rest of one record.
  package func receive(into output: inout OutputRawSpan) -> TLSOutcome {
    context.openSSL.clearErrors()
    // Safe: OpenSSL writes inside the free part of the span, and `filled` counts exactly what it wrote.
    return unsafe output.withUnsafeMutableBytes { bytes, filled in
      let room = bytes.count - filled
      if room == 0 { return .moved(0) }
      var count = 0
      let result = unsafe context.openSSL.functions.SSL_read_ex(pointer, bytes.baseAddress! + filled, room, &count)
      guard result == 1 else { return outcome(of: result) }
      filled += count
      return .moved(count)
    }
  }

  /// Sends at most one record of `bytes`. After `.wantsRead` or `.wantsWrite` the same bytes must come again, perhaps
  /// with more behind them.
  package func send(_ bytes: Span<UInt8>) -> TLSOutcome {
    if bytes.isEmpty { return .moved(0) }
    context.openSSL.clearErrors()
    var count = 0
    // Safe: OpenSSL reads the span during the call.
    let result = unsafe bytes.withUnsafeBufferPointer { buffer in
      unsafe context.openSSL.functions.SSL_write_ex(pointer, buffer.baseAddress!, buffer.count, &count)
    }
    return result == 1 ? .moved(count) : outcome(of: result)
  }

  /// Says that no more bytes come (RFC 8446 section 6.1: close_notify), as far as the socket takes it now.
  package func endOutput() {
    if isBroken { return }
    context.openSSL.clearErrors()
    _ = unsafe context.openSSL.functions.SSL_shutdown(pointer)
  }

  private func outcome(of result: Int32) -> TLSOutcome {
    switch unsafe context.openSSL.functions.SSL_get_error(pointer, result) {
    case SSL_ERROR_WANT_READ: return .wantsRead
    case SSL_ERROR_WANT_WRITE: return .wantsWrite
    case SSL_ERROR_ZERO_RETURN: return .ended
    case SSL_ERROR_SYSCALL:
      isBroken = true
      return .failed(.refused("the client broke off"))
    default:
      isBroken = true
      return .failed(failure(context.openSSL.takeError()))
    }
  }

  private func failure(_ error: (reason: Int32, text: String)) -> HandshakeFailure {
    switch error.reason {
    case SSL_R_HTTP_REQUEST, SSL_R_HTTPS_PROXY_REQUEST: .plainHTTP
    case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE, SSL_R_CERTIFICATE_VERIFY_FAILED: .clientCertificate(error.text)
    default: .refused(error.text)
    }
  }
}
