// TLS for the connections of a listener: certificate, time, and what is done about failures.

package import Bytes
package import System
package import TLS

/// How the connections of a listener are secured.
package final class TransportSecurity: Sendable {
  let server: TLSServer
  let handshakeTime: Duration
  let failed: @Sendable (HandshakeFailure, SocketAddress) -> Bytes?

  /// - Parameters:
  ///   - handshakeTime: how long a client may take before its first byte of plain text.
  ///   - failed: hears of every client that could not be served, on its loop. What it returns is sent in plain text.
  package init(
    server: TLSServer, handshakeTime: Duration,
    failed: @escaping @Sendable (HandshakeFailure, SocketAddress) -> Bytes?
  ) {
    self.server = server
    self.handshakeTime = handshakeTime
    self.failed = failed
  }
}
