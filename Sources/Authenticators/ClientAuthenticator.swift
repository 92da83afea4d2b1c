// What an authenticator does for those who send.

package import HTTPClient

/// Adds credentials to outgoing requests. Safe from any thread.
package protocol ClientAuthenticator: Sendable {
  /// The fields that the next request carries. May block while they are fetched, for a bounded time.
  func credentials() throws(AuthenticatorError) -> [HTTPField]

  /// The other side did not accept these credentials (HTTP 401): whether to ask for new ones and try once more.
  func renew(_ refused: [HTTPField]) -> Bool

  /// Ends what `credentials` is waiting for. Called when the time to stop is over.
  func interrupt()
}

extension ClientAuthenticator {
  package func renew(_ refused: [HTTPField]) -> Bool { false }

  package func interrupt() {}
}

/// Why there are no credentials.
package enum AuthenticatorError: Error, Sendable, Equatable {
  /// Perhaps later.
  case unavailable(String)
  /// Not before somebody changes something.
  case misconfigured(String)
}

/// Credentials that never change.
package struct FixedCredentials: ClientAuthenticator {
  private let fields: [HTTPField]

  package init(_ fields: [HTTPField]) { self.fields = fields }

  package func credentials() throws(AuthenticatorError) -> [HTTPField] { fields }
}
