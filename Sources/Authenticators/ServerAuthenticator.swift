// What an authenticator does for those who receive.

package import System

/// Tells from a request's header who sends it. Safe from any thread.
package protocol ServerAuthenticator: Sendable {
  /// Never blocks for longer than it takes to read a small file.
  ///
  /// - Parameter field: looks up a field of the request's header, whatever protocol brought it.
  func check(_ field: (String) -> String?) -> CredentialVerdict

  /// Starts what takes longer decisions; before the first `check`.
  func start() throws(SystemError)

  /// Ends and joins it.
  ///
  /// - Parameter deciding: whether decisions that are still due are made before; else they never are.
  func stop(deciding: Bool)
}

extension ServerAuthenticator {
  package func start() throws(SystemError) {}

  package func stop(deciding: Bool) {}
}

/// Whether credentials are good.
package enum CredentialVerdict: Sendable {
  /// - Parameter name: what the owner calls these credentials; never the secret.
  case accepted(name: String)
  case rejected(CredentialProblem)
  /// Deciding takes long: call this once, with what to call then, from another thread.
  case undecided(@Sendable (_ decided: @escaping @Sendable (CredentialVerdict) -> Void) -> Void)
}

/// Why credentials are not good. Says nothing of what was sent.
package struct CredentialProblem: Sendable, Equatable {
  package enum Reason: String, Sendable, CaseIterable {
    /// There are none.
    case missing
    case wrong
    /// Nobody has the time to look at them.
    case busy
  }

  package let reason: Reason
  /// One sentence for the client's developer.
  package let message: String
  /// The value of WWW-Authenticate (RFC 9110 section 11.6.1).
  package let challenge: String
}

/// Says what an owner should know, in one line.
package typealias CredentialReport = @Sendable (String) -> Void
