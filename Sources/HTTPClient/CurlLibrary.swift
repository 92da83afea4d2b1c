// The system's libcurl, opened when the first client is made.

internal import CCurl

/// libcurl's functions.
///
/// Opened lazily: linking it would cost every start 6 MB of resident memory and 6 ms, also where nothing is forwarded.
// `@unchecked Sendable`: function pointers that never change once `open` has returned.
struct CurlLibrary: @unchecked Sendable {
  let functions: otlpd_curl

  /// The library, opened and initialised once per process by whoever asks first; or why it cannot be used.
  static let shared: Result<CurlLibrary, HTTPClientError> = open()

  private static func open() -> Result<CurlLibrary, HTTPClientError> {
    var functions = otlpd_curl()
    // Safe: `otlpd_curl_open` fills in every function or says which one is missing, in a NUL-terminated text.
    if let problem = unsafe otlpd_curl_open(&functions) {
      let reason = unsafe String(cString: problem)
      return .failure(.unavailable("cannot use libcurl: \(reason). Install it: apt-get install libcurl4"))
    }
    let code = functions.global_init(Int(CURL_GLOBAL_DEFAULT))
    guard code == CURLE_OK else {
      return .failure(.unavailable("cannot start libcurl: \(functions.text(for: code))"))
    }
    return .success(CurlLibrary(functions: functions))
  }
}

extension otlpd_curl {
  /// libcurl's words for a failure.
  func text(for code: CURLcode) -> String {
    // Safe: libcurl has a constant, NUL-terminated text for every code.
    unsafe easy_strerror(code).map { unsafe String(cString: $0) } ?? "error \(code.rawValue)"
  }
}
