// What a listener's TLS is to be.

/// Certificate, key, and what clients must show and speak.
package struct TLSSettings: Sendable, Equatable {
  /// Where something in PEM form is.
  package enum Source: Sendable, Equatable {
    /// Read again when it changes.
    case file(String)
    case text(String)
  }

  /// TLS 1.0 and 1.1 are not spoken (RFC 8996).
  package enum Version: Int, Sendable, Comparable {
    case tls12 = 0x0303
    case tls13 = 0x0304

    package static func < (left: Version, right: Version) -> Bool { left.rawValue < right.rawValue }
  }

  /// The server's certificate, with those that lead to its authority behind it.
  package var certificate: Source
  package var key: Source
  /// Authorities of which a client must show a certificate; nil asks for none.
  package var clientAuthorities: Source?
  package var minimumVersion = Version.tls12
  /// nil: the highest there is.
  package var maximumVersion: Version?
  /// OpenSSL's names of the suites for TLS 1.2, in order of preference; empty for OpenSSL's choice.
  package var cipherSuites: [String] = []
  /// OpenSSL's names of groups for the key exchange, in order of preference; empty for OpenSSL's choice.
  package var groups: [String] = []
  /// What the listener speaks, the preferred one first: `h2`, `http/1.1` (RFC 7301).
  package var protocols: [String] = []
  /// The files are looked at for changes when a client connects, at most once in this time.
  package var reloadInterval = Duration.seconds(2)

  package init(certificate: Source, key: Source) {
    self.certificate = certificate
    self.key = key
  }

  /// The files that the settings name.
  var files: [String] {
    [certificate, key, clientAuthorities].compactMap { source in
      if case .file(let path) = source { path } else { nil }
    }
  }
}
