// The extensions that know credentials, and what every one's part of the config file has in common.

package import Config
package import System

/// One authenticator extension's part of the config file, for clients and for servers.
package protocol AuthenticatorConfig: ConfigBlock, Sendable {
  /// The type in the file: `basicauth`.
  static var type: String { get }

  /// Why an exporter cannot use it, as in "authenticator x …"; nil when it can.
  var clientProblem: String? { get }

  /// Makes what an exporter adds its credentials with; opens nothing yet. Only without a `clientProblem`.
  ///
  /// - Parameter id: the component id, for messages: `oauth2client/vendor`.
  func makeClient(id: String, userAgent: String, clock: any Clock) -> any ClientAuthenticator
}

/// What `extensions:` may name to authenticate with.
package enum AuthenticatorTypes {
  package static let all: [any AuthenticatorConfig.Type] = [
    BasicAuthConfig.self,
    BearerTokenAuthConfig.self,
    OAuth2ClientConfig.self,
  ]
}
