// A listening socket on one of the loops that share it.

package import System

/// A listening socket, shared by every loop; closed when the last of them lets go.
package final class ListeningSocket: Sendable {
  let socket: Socket
  /// What it is bound to, with the port the kernel chose.
  package let address: SocketAddress
  /// A Unix socket's file, as it was made.
  private let file: FileStamp?

  /// Listens on `address`; connections wait until a loop takes them.
  package init(on address: SocketAddress) throws(SystemError) {
    socket = try Socket.listening(on: address)
    self.address = address.path == nil ? try socket.localAddress() : address
    file = address.path.flatMap { FileStamp(of: $0) }
  }

  /// Listens on a socket that the service manager opened; a Unix socket's file stays the manager's.
  init(_ passed: consuming Socket, on address: SocketAddress) {
    socket = passed
    self.address = address
    file = nil
  }

  /// Closes it; a Unix socket's file goes, too, unless it is another one's by now.
  deinit {
    if let path = address.path, let file, FileStamp(of: path) == file { Socket.removeFile(path) }
  }
}

/// Takes connections from a listening socket for one loop.
final class Listener {
  /// How long no connection is taken after descriptors ran out; level-triggered epoll would spin meanwhile.
  static let pause = Duration.milliseconds(100)
  /// How many connections are taken per turn, so that the loops that share the socket get their part.
  static let acceptsPerTurnMax = 8

  let token: UInt64
  private let shared: ListeningSocket
  private let acceptor: any ConnectionAcceptor
  private unowned let loop: EventLoop

  init(_ shared: ListeningSocket, token: UInt64, acceptor: any ConnectionAcceptor, loop: EventLoop) {
    self.shared = shared
    self.token = token
    self.acceptor = acceptor
    self.loop = loop
  }

  var number: Int32 { shared.socket.number }

  func belongs(to socket: ListeningSocket) -> Bool { shared === socket }

  /// Watches the socket, at the start and after a pause.
  func arm() {
    do {
      try loop.epoll.add(number, [.read, .exclusive], token: token)
    } catch {
      // No memory for the watch: as without descriptors, try again later.
      pause(error)
    }
  }

  func acceptWaiting() {
    for _ in 0..<Listener.acceptsPerTurnMax {
      switch shared.socket.accept() {
      case .socket(let socket, let peer): acceptor.accepted(socket, from: peer, on: loop)
      case .none: return
      case .exhausted(let error):
        loop.epoll.remove(number)
        return pause(error)
      }
    }
  }

  private func pause(_ error: SystemError) {
    acceptor.acceptPaused(error)
    loop.queue(loop.turn.now + Listener.pause, token: token)
  }
}
