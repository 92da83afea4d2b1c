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
}
