// How many files and connections the kernel lets this process have.

internal import Glibc

package enum ResourceLimits {
  /// How many files and connections this process may have open now.
  package static var openFiles: Int {
    var limit = rlimit()
    guard unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return 1024 }
    return Int(clamping: limit.rlim_cur)
  }

  /// Raises the number of open files to the most that the process may have without asking.
  ///
  /// Shells start programs with 1024, which is less than the connections that are taken by default.
  package static func raiseOpenFiles() {
    var limit = rlimit()
    guard unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return }
    limit.rlim_cur = limit.rlim_max
    // A refusal leaves things as they are.
    unsafe setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
  }
}
