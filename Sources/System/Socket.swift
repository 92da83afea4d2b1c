// TCP sockets that never block and never raise SIGPIPE.

internal import CLinux
internal import Glibc

/// How an attempt to move bytes ended.
package enum TransferOutcome: Sendable, Equatable {
  /// So many bytes were moved; at least one unless none was asked for.
  case moved(Int)
  /// Nothing can be moved now; wait until the socket is ready.
  case wouldBlock
  /// The peer sends no more bytes.
  case ended
  /// The connection is broken; an error number as in errno(3).
  case failed(Int32)
}

/// How an attempt to accept a connection ended.
package enum AcceptedSocket: ~Copyable {
  case socket(Socket, peer: SocketAddress)
  /// Nobody is waiting, or who waited is gone again.
  case none
  /// The process or the machine has no descriptor or memory left; trying at once would fail again.
  case exhausted(SystemError)
}

/// A TCP socket in non-blocking mode.
package struct Socket: ~Copyable, Sendable {
  private let descriptor: FileDescriptor

  private init(_ descriptor: consuming FileDescriptor) { self.descriptor = descriptor }

  /// Takes over a socket that another process opened, and has no other owner here.
  init(passed number: Int32) {
    // Its flags are as the other process left them; without these the loop could hang on it.
    _ = otlpd_fcntl_int(number, F_SETFD, FD_CLOEXEC)
    _ = otlpd_fcntl_int(number, F_SETFL, otlpd_fcntl_int(number, F_GETFL, 0) | O_NONBLOCK)
    descriptor = FileDescriptor(owning: number)
  }

  /// Whether `number` is a stream socket that listens.
  static func isListening(_ number: Int32) -> Bool {
    func option(_ name: Int32) -> Int32? {
      var value: Int32 = 0
      var length = socklen_t(MemoryLayout<Int32>.size)
      // Safe: the kernel writes one Int32.
      return unsafe getsockopt(number, SOL_SOCKET, name, &value, &length) == 0 ? value : nil
    }
    return option(SO_TYPE) == Int32(SOCK_STREAM.rawValue) && option(SO_ACCEPTCONN) == 1
  }

  /// The descriptor's number, to watch it.
  package var number: Int32 { descriptor.number }

  // MARK: Opening

  /// Listens on `address`.
  ///
  /// Not with SO_REUSEPORT: a second process would bind silently. An IPv6 address of all interfaces takes IPv4 too.
  ///
  /// - Parameter backlog: how many connections the kernel keeps waiting.
  package static func listening(on address: SocketAddress, backlog: Int32 = 1024) throws(SystemError) -> Socket {
    let doing = "cannot listen on \(address)"
    if let path = address.path { return try listening(on: path, address, backlog, doing) }
    let socket = try open(address.family, doing)
    // A restart must not wait for the last process's connections in TIME_WAIT.
    socket.set(SOL_SOCKET, SO_REUSEADDR, 1)
    if address.isIPv6 { socket.set(Int32(IPPROTO_IPV6), IPV6_V6ONLY, address.host == "::" ? 0 : 1) }
    // Safe: the address is read during the call.
    if unsafe address.withSockaddr({ unsafe bind(socket.number, $0, $1) }) != 0 { throw .last(doing) }
    if listen(socket.number, backlog) != 0 { throw .last(doing) }
    return socket
  }

  /// Listens on a Unix socket for the owner and the group. A file that a process left behind is replaced.
  private static func listening(
    on path: String, _ address: SocketAddress, _ backlog: Int32, _ doing: String
  ) throws(SystemError) -> Socket {
    let socket = try open(AF_UNIX, doing)
    // Safe here and below: the address is read during the call.
    var failed = unsafe address.withSockaddr { unsafe bind(socket.number, $0, $1) } != 0
    if failed && errno == EADDRINUSE && isAbandoned(path, address) {
      removeFile(path)
      failed = unsafe address.withSockaddr { unsafe bind(socket.number, $0, $1) } != 0
    }
    // unix(7): nobody can connect before listen(2), so nobody sees the mode that it is made with.
    if failed { throw .last(doing) }
    if unsafe chmod(path, 0o660) != 0 { throw .last(doing) }
    if listen(socket.number, backlog) != 0 { throw .last(doing) }
    return socket
  }

  /// Whether there is a socket at `path` that nobody listens on.
  private static func isAbandoned(_ path: String, _ address: SocketAddress) -> Bool {
    defer { errno = EADDRINUSE }
    var status = stat()
    guard unsafe lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFSOCK else { return false }
    do throws(SystemError) {
      _ = try connecting(to: address)
      return false
    } catch {
      return error.code == ECONNREFUSED
    }
  }

  /// Removes a Unix socket's file, if it is there.
  package static func removeFile(_ path: String) { _ = unsafe unlink(path) }

  /// Begins a connection to `address`; the socket is writable when it stands or has failed.
  package static func connecting(to address: SocketAddress) throws(SystemError) -> Socket {
    let doing = "cannot connect to \(address)"
    let socket = try open(address.family, doing)
    // Safe: the address is read during the call.
    let result = unsafe address.withSockaddr { unsafe connect(socket.number, $0, $1) }
    if result != 0 && errno != EINPROGRESS { throw .last(doing) }
    return socket
  }

  private static func open(_ family: Int32, _ doing: String) throws(SystemError) -> Socket {
    let kind = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
    let number = socket(family, kind, 0)
    if number < 0 { throw .last(doing) }
    return Socket(FileDescriptor(owning: number))
  }

  /// Takes the next connection that waits on this listening socket, with TCP_NODELAY set.
  package func accept() -> AcceptedSocket {
    let flags = Int32(SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
    // Safe: the kernel fills in the address it is given room for.
    let (number, peer) = unsafe SocketAddress.filled { unsafe accept4(descriptor.number, $0, &$1, flags) }
    guard number >= 0, let peer else {
      let code = errno
      switch code {
      case EMFILE, ENFILE, ENOBUFS, ENOMEM:
        return .exhausted(SystemError(code: code, doing: "cannot accept a connection"))
      // accept(2): errors of the new connection itself count as nobody waiting.
      default: return .none
      }
    }
    let socket = Socket(FileDescriptor(owning: number))
    // An answer is one write; waiting for more of it would only delay it.
    if peer.path == nil { socket.set(Int32(IPPROTO_TCP), TCP_NODELAY, 1) }
    return .socket(socket, peer: peer)
  }

  private func set(_ level: Int32, _ option: Int32, _ value: Int32) {
    var value = value
    // Safe: the kernel reads one Int32. A refused option leaves the default, which works.
    unsafe setsockopt(descriptor.number, level, option, &value, socklen_t(MemoryLayout<Int32>.size))
  }

  // MARK: Moving bytes

  /// Appends what has arrived, as much as fits.
  package borrowing func receive(into output: inout OutputRawSpan) -> TransferOutcome {
    let descriptor = number
    // Safe: the kernel writes inside the free part of the span, and `filled` counts exactly what it wrote.
    return unsafe output.withUnsafeMutableBytes { bytes, filled in
      let room = bytes.count - filled
      if room == 0 { return .moved(0) }
      let received = unsafe recv(descriptor, bytes.baseAddress! + filled, room, 0)
      if received > 0 {
        filled += received
        return .moved(received)
      }
      return received == 0 ? .ended : Socket.failure()
    }
  }

  /// Whether what has arrived begins with `text`; it is still there to be received. At most 16 bytes.
  package borrowing func begins(with text: StaticString) -> Bool {
    var arrived = (UInt64(0), UInt64(0))
    let count = text.utf8CodeUnitCount
    precondition(count <= 16, "a look reaches 16 bytes far")
    // Safe: the kernel writes at most the 16 bytes that are there, and the text has as many as are compared.
    return unsafe withUnsafeMutableBytes(of: &arrived) { bytes in
      unsafe recv(number, bytes.baseAddress!, count, Int32(MSG_PEEK)) == count
        && memcmp(bytes.baseAddress!, text.utf8Start, count) == 0
    }
  }

  /// Sends as much of `bytes` as the kernel takes now.
  package borrowing func send(_ bytes: Span<UInt8>) -> TransferOutcome {
    if bytes.isEmpty { return .moved(0) }
    // Safe: the kernel reads the span during the call. MSG_NOSIGNAL: a peer that is gone is an error, not a signal.
    let sent = unsafe bytes.withUnsafeBufferPointer { buffer in
      unsafe Glibc.send(number, buffer.baseAddress!, buffer.count, Int32(MSG_NOSIGNAL))
    }
    return sent >= 0 ? .moved(sent) : Socket.failure()
  }

  /// The outcome that errno stands for. A Unix signal counts as "not now": the loop comes back.
  private static func failure() -> TransferOutcome {
    let code = errno
    return code == EAGAIN || code == EINTR ? .wouldBlock : .failed(code)
  }

  /// Tells the peer that no more bytes come; what it sends can still be read.
  package borrowing func shutdownWrite() { shutdown(number, Int32(SHUT_WR)) }

  /// The address this socket is bound to, with the port that the kernel chose.
  package borrowing func localAddress() throws(SystemError) -> SocketAddress {
    guard let address = SocketAddress(of: number) else { throw .last("cannot read a socket's address") }
    return address
  }
}
