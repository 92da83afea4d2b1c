// Why TLS cannot be set up, and why a client's handshake failed.

/// What the owner has to mend: `cannot use the certificate /etc/otlpd/tls.crt: …`.
package struct TLSError: Error, Sendable, Equatable, CustomStringConvertible {
  package let description: String

  init(_ description: String) { self.description = description }
}

/// Why a client could not be served over TLS.
package enum HandshakeFailure: Error, Sendable, Equatable, CustomStringConvertible {
  /// The first bytes are HTTP in plain text.
  case plainHTTP
  /// The client has no certificate, or none that the configured authorities have signed.
  case clientCertificate(String)
  /// The client broke off, or speaks no version, cipher or protocol that is offered; in OpenSSL's words.
  case refused(String)
  /// The handshake took too long.
  case timeout

  package var description: String {
    switch self {
    case .plainHTTP: "the client sent plain HTTP to a port that speaks TLS"
    case .clientCertificate(let reason): "the client's certificate was not accepted: \(reason)"
    case .refused(let reason): reason
    case .timeout: "the handshake took too long"
    }
  }
}
