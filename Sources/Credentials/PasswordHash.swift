// Hashes of passwords as crypt(5) writes them.

internal import CCrypt
internal import Glibc

/// One password's hash: bcrypt (`$2b$`, `$2y$`), yescrypt, SHA-512, SHA-256 or MD5, as libcrypt knows them.
package struct PasswordHash: Sendable, Equatable {
  private let text: String

  /// nil when libcrypt cannot check passwords against it.
  package init?(_ text: String) {
    // Safe: libcrypt reads the NUL-terminated text during the call.
    let verdict = unsafe text.withCString { unsafe crypt_checksalt($0) }
    guard text.hasPrefix("$"), verdict == CRYPT_SALT_OK || verdict == CRYPT_SALT_METHOD_LEGACY else { return nil }
    self.text = text
  }

  /// Whether this is the hash of `password`. Takes as long as whoever made the hash has chosen: bcrypt of cost 10
  /// some 50 ms. Any thread.
  package func matches(_ password: String) -> Bool {
    // crypt(3) would read up to the NUL only.
    if password.utf8.contains(0) { return false }
    let work = UnsafeMutablePointer<crypt_data>.allocate(capacity: 1)
    defer { unsafe work.deallocate() }
    unsafe memset(work, 0, MemoryLayout<crypt_data>.size)
    // Safe: both texts are NUL-terminated, `work` is zeroed as crypt_r(3) wants, and the result lies in it.
    guard let result = unsafe crypt_r(password, text, work) else { return false }
    let computed = unsafe Array(String(cString: result).utf8)
    let expected = Array(text.utf8)
    guard computed.count == expected.count else { return false }
    return zip(computed, expected).reduce(0) { $0 | ($1.0 ^ $1.1) } == 0
  }
}
