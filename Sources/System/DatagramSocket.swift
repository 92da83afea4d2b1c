// Messages to another program's Unix socket, each one whole or not at all.

internal import Glibc

/// Sends datagrams without waiting long for the other side, which may go away and come back.
package final class DatagramSocket: Sendable {
  private let descriptor: FileDescriptor
  private let address: SocketAddress

  /// - Parameters:
  ///   - path: of the other side's socket; it need not be there yet.
  ///   - patience: how long one message may wait while the other side is busy.
  package init?(to path: String, patience: Duration = .milliseconds(100)) {
    let number = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    guard number >= 0 else { return nil }
    descriptor = FileDescriptor(owning: number)
    address = SocketAddress(path: path)
    var time = timeval(tv_sec: 0, tv_usec: Int(patience.nanoseconds / 1000))
    // Safe: the value is read during the call, and the length is its own.
    unsafe setsockopt(number, SOL_SOCKET, SO_SNDTIMEO, &time, socklen_t(MemoryLayout<timeval>.size))
  }

  /// Sends one message. Returns false when nobody took it: there is no socket, it is full, or the message too long.
  package func send(_ message: [UInt8]) -> Bool {
    while true {
      // Safe: the address and the message are read during the call, and both lengths are theirs.
      let sent = unsafe address.withSockaddr { target, length in
        unsafe sendto(descriptor.number, message, message.count, Int32(MSG_NOSIGNAL), target, length)
      }
      if sent < 0, errno == EINTR { continue }
      return sent >= 0
    }
  }
}
