// `auth:` of a server or a client: a reference to an authenticator extension.

/// Which extension checks or adds credentials.
package struct AuthConfig: ConfigBlock, Equatable, Sendable {
  package var authenticator = ""

  package init() {}

  /// The extension; nil when none is named.
  package var id: ComponentID? { try? ComponentID(parsing: authenticator) }

  package mutating func read(from map: MapReader) {
    map.read("authenticator", into: &authenticator)
    map.inert("request_params", default: [String]())
  }

  /// Reads `auth` and refuses an authenticator: going on without credentials would fail silently or be unsafe.
  package static func refuse(_ key: String, in map: MapReader, because reason: String) {
    var auth: AuthConfig?
    map.read(key, into: &auth)
    guard let auth, !auth.authenticator.isEmpty else { return }
    map.fail(
      key,
      "authenticator \(quoted(auth.authenticator)) cannot be used: no authenticator for receivers is built into this"
        + " version of otlpd, and \(reason)")
  }
}
