// The system's OpenSSL, opened when the first listener has a certificate.

internal import COpenSSL
internal import Glibc

/// OpenSSL's functions.
///
/// Opened lazily: linking it would cost every start 2 MB of resident memory and 1 ms, also where nothing is encrypted.
// `@unchecked Sendable`: function pointers that never change once `open` has returned.
struct OpenSSL: @unchecked Sendable {
  let functions: otlpd_openssl

  /// The library, opened once per process by whoever asks first; or why it cannot be used.
  static let shared: Result<OpenSSL, TLSError> = open()

  private static func open() -> Result<OpenSSL, TLSError> {
    var functions = otlpd_openssl()
    // Safe: `otlpd_openssl_open` fills in every function or says which one is missing, in a NUL-terminated text.
    if let problem = unsafe otlpd_openssl_open(&functions) {
      let reason = unsafe String(cString: problem)
      return .failure(TLSError("cannot use OpenSSL: \(reason). Install it: apt-get install libssl3"))
    }
    // OpenSSL writes with write(2), which raises SIGPIPE for a peer that is gone.
    signal(SIGPIPE, SIG_IGN)
    return .success(OpenSSL(functions: functions))
  }

  /// Forgets what earlier calls of this thread left behind: SSL_get_error(3) would take it for its own.
  func clearErrors() { functions.ERR_clear_error() }

  /// The thread's oldest error, taken from its queue: a reason's number and OpenSSL's words for it.
  func takeError() -> (reason: Int32, text: String) {
    let code = functions.ERR_get_error()
    defer { clearErrors() }
    if code == 0 { return (0, "unknown failure") }
    // Safe: OpenSSL has a constant, NUL-terminated text for every reason it knows.
    let text = unsafe functions.ERR_reason_error_string(code).map { unsafe String(cString: $0) }
    return (otlpd_openssl_reason(code), text ?? "error \(code)")
  }
}
