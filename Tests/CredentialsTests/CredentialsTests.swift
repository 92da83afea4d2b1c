// Seals and hashes of secrets.

import Credentials
import Testing

@Suite struct CredentialsTests {
  @Test("Seals are the same exactly when the secrets are, whatever their lengths")
  func seals() {
    let sealer = CredentialSealer()
    let secrets = (0..<140).map { String(repeating: "x", count: $0) } + ["a", "A", "aa", "ä", "a\u{0}"]
    for (index, secret) in secrets.enumerated() {
      for (other, candidate) in secrets.enumerated() {
        #expect(sealer.seal(secret).isSame(as: sealer.seal(candidate)) == (index == other))
      }
    }
    #expect(!sealer.seal("a").isSame(as: CredentialSealer().seal("a")), "every sealer has its own key")
  }

  @Test(
    "Digests are those of the standards",
    arguments: [
      // FIPS 180-4 examples, and RFC 4231 test cases 1 and 2.
      ([], "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
      ([], "", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
      (
        [], "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
      ),
      (
        [UInt8](repeating: 0x0b, count: 20), "Hi There",
        "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"
      ),
      (
        Array("Jefe".utf8), "what do ya want for nothing?",
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
      ),
    ])
  func digests(key: [UInt8], message: String, expected: String) {
    let message = Array(message.utf8)
    let digest = key.isEmpty ? SHA256.hash(message) : SHA256.authenticationCode(of: message, key: key)
    let digits = digest.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    #expect(digits == expected)
  }

  @Test(
    "A password is checked against the hash of any method that libcrypt has",
    arguments: [
      "$2y$04$abcdefghijklmnopqrstuuLZYjhNQAOdpbzt4WxWlUHjv1wsyH5DG",
      "$2b$04$abcdefghijklmnopqrstuuLZYjhNQAOdpbzt4WxWlUHjv1wsyH5DG",
      "$5$rounds=1000$saltsalt$zjC/Njk9Y.EVEc3QygFw/Rhx5L4ZHXnWMx5WovHpIO2",
      "$6$rounds=1000$saltsalt$zcCvYcDM8j0aB28drG.Vwe4L4mnOkoRyg3Q.Bu7J9v6yK9aKDDPiDDlrOhF03cpnd3KFfSzTDNEBa0iVYm2H90",
      "$1$saltsalt$RwMqRjSWhXMKbW72DwzGd1",
      "$y$j75$PqXtl8lL3UGVm4jhIrdFc/$TY9Q.kqxnYthivZJTZgS8mBEV1QcZ49u0qkraAFWUSB",
    ])
  func hashes(text: String) throws {
    let hash = try #require(PasswordHash(text))
    #expect(hash.matches("s3cret"))
    for wrong in ["", "S3cret", "s3cret ", "s3cre", "s3cret\u{0}"] { #expect(!hash.matches(wrong)) }
  }

  @Test(
    "What is no hash is told apart",
    arguments: ["", "plain", "$", "$9$x$y", "{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=", "*0", "$apr1$a$b"])
  func noHashes(text: String) { #expect(PasswordHash(text) == nil) }
}
