// The extensions that know credentials, and what every one's part of the config file has in common.

package import Config
package import System

/// One authenticator extension's part of the config file, for clients and for servers.
package protocol AuthenticatorConfig: ConfigBlock, Equatable, Sendable {
  /// The type in the file: `basicauth`.
  static var type: String { get }

  /// Why an exporter cannot use it, as in "authenticator x …"; nil when it can.
  var clientProblem: String? { get }

  /// Makes what an exporter adds its credentials with; opens nothing yet. Only without a `clientProblem`.
  ///
  /// - Parameter id: the component id, for messages: `oauth2client/vendor`.
  func makeClient(id: String, userAgent: String, clock: any Clock) -> any ClientAuthenticator

  /// Why a receiver cannot use it, as in "authenticator x …"; nil when it can.
  var serverProblem: String? { get }

  /// Makes what a receiver checks credentials with. Only without a `serverProblem`.
  ///
  /// - Throws: `AuthenticatorError.misconfigured` when a file cannot be read.
  func makeServer(
    id: String, clock: any Clock, report: @escaping CredentialReport
  ) throws(AuthenticatorError) -> any ServerAuthenticator

  /// The names of files with secrets, each of which `CredentialPath` may complete.
  mutating func completePaths(_ complete: (String) -> String)
}

/// Where a relative name of a file with secrets leads.
package enum CredentialPath {
  /// systemd.exec(5), "Credentials": below $CREDENTIALS_DIRECTORY, where the service manager puts them; without that
  /// variable, below the working directory as any name.
  package static func complete(_ name: String, environment: [String: String]) -> String {
    guard !name.isEmpty, !name.hasPrefix("/"), let directory = environment["CREDENTIALS_DIRECTORY"],
      !directory.isEmpty
    else { return name }
    return "\(directory)/\(name)"
  }
}

/// What `extensions:` may name to authenticate with.
package enum AuthenticatorTypes {
  package static let all: [any AuthenticatorConfig.Type] = [
    BasicAuthConfig.self,
    BearerTokenAuthConfig.self,
    OAuth2ClientConfig.self,
  ]
}
