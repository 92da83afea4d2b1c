// An error number of the kernel, with what was being done.

internal import Glibc

/// A failed system call: `cannot open /var/lib/otlpd: permission denied`.
package struct SystemError: Error, CustomStringConvertible, Sendable {
  /// The error number, as in errno(3).
  package let code: Int32
  /// What failed, as the beginning of a sentence: `cannot open /x`.
  package let doing: String

  package init(code: Int32, doing: String) {
    self.code = code
    self.doing = doing
  }

  /// The error that the calling thread's last failed call left behind.
  package static func last(_ doing: String) -> SystemError { SystemError(code: errno, doing: doing) }

  /// The kernel's words for the number, in lower case: `permission denied`.
  package var reason: String {
    // Safe: strerror returns a NUL-terminated string; glibc's is per thread or constant for known numbers.
    let text = unsafe String(cString: strerror(code))
    return text.prefix(1).lowercased() + text.dropFirst()
  }

  /// Whether the process lacks a right (EACCES, EPERM, EROFS).
  package var isPermissionDenied: Bool { [EACCES, EPERM, EROFS].contains(code) }

  /// Whether a file could not be opened because too many are (EMFILE, ENFILE): nothing was changed.
  package var isDescriptorShortage: Bool { code == EMFILE || code == ENFILE }

  /// Whether the medium or the file system's own records are damaged (EIO, EUCLEAN, EBADMSG).
  package var isMediumFailure: Bool { code == EIO || code == EUCLEAN || code == EBADMSG }

  /// Whether the file system's own records of a file are damaged (EUCLEAN, EBADMSG): trying again gives the same.
  package var isCorruption: Bool { code == EUCLEAN || code == EBADMSG }

  package var description: String { "\(doing): \(reason)" }
}
