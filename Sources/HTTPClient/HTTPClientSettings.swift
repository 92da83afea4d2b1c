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
  package var tls = TLSClientSettings()
  package var proxy = ProxySettings.environment

  package init(userAgent: String) { self.userAgent = userAgent }
}

/// How an `https` server is checked, and what is shown to it.
package struct TLSClientSettings: Sendable, Equatable {
  /// The lowest version that is spoken.
  package enum Version: Sendable {
    case tls10, tls11, tls12, tls13
  }

  /// Trust the authorities in this PEM file; none means the system's.
  package var caFile: String?
  /// Trust the authorities in this PEM text; wins over `caFile`.
  package var caPEM: String?
  /// Trust the system's authorities besides those of `caFile`.
  package var includesSystemCAs = false
  /// Accept any certificate: the connection is encrypted, but to anybody.
  package var skipsVerification = false
  /// The client's certificate and its key, PEM files, for servers that ask for one.
  package var certificateFile: String?
  package var keyFile: String?
  package var minimumVersion = Version.tls12

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
