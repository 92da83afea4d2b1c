// Turns secrets into something that can be compared, and nothing else.

/// What a secret was turned into. Two seals of one sealer are the same exactly when their secrets are.
///
/// Not `Equatable`: `isSame(as:)` is the only comparison, and takes as long for every pair.
package struct SealedCredential: Sendable {
  fileprivate let bytes: [UInt8]

  /// Looks at every byte of both, whatever they are.
  package func isSame(as other: SealedCredential) -> Bool {
    var difference: UInt8 = 0
    for index in 0..<32 { difference |= bytes[index] ^ other.bytes[index] }
    return difference == 0
  }
}

/// Seals secrets with a key that only this process has ever had.
///
/// All seals are 32 bytes long, so not even a secret's length shows in the time of a comparison.
package struct CredentialSealer: Sendable {
  private let key: [UInt8]

  package init() {
    var random = SystemRandomNumberGenerator()
    key = (0..<32).map { _ in UInt8.random(in: .min ... .max, using: &random) }
  }

  package func seal(_ secret: String) -> SealedCredential {
    SealedCredential(bytes: SHA256.authenticationCode(of: Array(secret.utf8), key: key))
  }
}
