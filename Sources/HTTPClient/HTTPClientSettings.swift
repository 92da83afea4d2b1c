// How a client connects: identity, limits, TLS and proxies.

/// What holds for all requests of one client.
package struct HTTPClientSettings: Sendable {
  /// RFC 9110 10.1.5: the product that asks.
  package var userAgent: String
  package var connectTimeout: Duration = .seconds(10)
  /// Idle connections older than this are not used again.
  package var idleConnectionTimeout: Duration = .seconds(90)
  /// OTLP/HTTP 1.11 "Response Limits" recommends 4 MiB; a longer response is an error.
  package var responseBytesMax = 4 << 20
  package var keepsConnections = true
  package var version = HTTPVersion.negotiated
  package var tls = TLSClientSettings()
  package var proxy = ProxySettings.environment

  package init(userAgent: String) { self.userAgent = userAgent }
}

/// Which HTTP is spoken.
package enum HTTPVersion: Sendable {
  /// HTTP/2 where a server offers it in the TLS handshake, otherwise HTTP/1.1.
  case negotiated
  case http1
  /// HTTP/2 also without TLS, from the first byte: RFC 9113 3.3, what gRPC needs.
  case http2
}

/// How an `https` server is checked, and what is shown to it.
package struct TLSClientSettings: Sendable, Equatable {
  /// A version of the protocol, the oldest first.
  package enum Version: Int, Sendable, Comparable {
    case tls10, tls11, tls12, tls13

    package static func < (left: Version, right: Version) -> Bool { left.rawValue < right.rawValue }
  }

  /// Trust the authorities in this PEM file; none means the system's.
  package var caFile: String?
  /// Trust the authorities in this PEM text; wins over `caFile`.
  package var caPEM: String?
  /// Trust the system's authorities besides those of `caFile`.
  package var includesSystemCAs = false
  /// Accept any certificate: the connection is encrypted, but to anybody.
  package var skipsVerification = false
  /// The client's certificate and its key, PEM files, for servers that ask for one; read for every connection.
  package var certificateFile: String?
  package var keyFile: String?
  /// The same as PEM texts, which win over the files.
  package var certificatePEM: String?
  package var keyPEM: String?
  package var minimumVersion = Version.tls12
  /// Nil: the highest that there is.
  package var maximumVersion: Version?
  /// The name that the server's certificate must have and that is sent in the handshake; nil: the URL's host.
  package var serverName: String?

  package init() {}
}

/// Where requests go through.
package enum ProxySettings: Sendable, Equatable {
  /// What `HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY` say, in either case. Loopback addresses are never
  /// sent through it.
  case environment
  /// Always this proxy.
  case url(String)
  /// Never one.
  case none
}
