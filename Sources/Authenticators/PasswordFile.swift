// What an htpasswd file says.

internal import Credentials

/// Users and what their passwords are checked against.
struct PasswordFile: Sendable {
  enum Check: Sendable {
    /// A hash that takes a while.
    case hash(PasswordHash)
    /// The password itself, sealed.
    case plain(SealedCredential)
  }

  private(set) var users: [String: Check] = [:]
  /// Users whose passwords are in a form we do not know.
  private(set) var unusable: [String] = []

  /// Reads lines `user:hash`; empty lines and those that begin with `#` are skipped, and a user's last line counts.
  ///
  /// As in the Collector, what is no hash is the password itself.
  init(_ text: String, _ sealer: CredentialSealer) {
    for line in text.split(whereSeparator: \.isNewline) where !line.hasPrefix("#") {
      let parts = line.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
      guard parts.count == 2, !parts[0].isEmpty else { continue }
      let (user, secret) = (String(parts[0]), String(parts[1]))
      if let hash = PasswordHash(secret) {
        users[user] = .hash(hash)
      } else if secret.hasPrefix("$") || secret.hasPrefix("{") || secret.isEmpty {
        unusable.append(user)
      } else {
        users[user] = .plain(sealer.seal(secret))
      }
    }
  }

  /// The hash of somebody, for those who are nobody.
  var anyHash: PasswordHash? {
    for case .hash(let hash) in users.values { return hash }
    return nil
  }
}
