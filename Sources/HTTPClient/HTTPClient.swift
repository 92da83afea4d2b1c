// One outgoing HTTP request at a time, over libcurl, blocking.

package import Bytes
internal import CCurl
internal import System

/// Posts bodies and waits for the responses; connections stay open for the next request.
///
/// Not for several threads at once: each thread has its own client. Proxies, TLS, HTTP/2 and name resolution are
/// libcurl's; a look-up blocks the calling thread only. Redirects are answers like any other: a body that was meant
/// for one server is never sent to a second one.
@safe
package final class HTTPClient {
  let settings: HTTPClientSettings
  private let interruption: Interruption
  let curl: otlpd_curl
  let handle: UnsafeMutableRawPointer
  /// libcurl writes its reason for a failure here.
  let failureText: UnsafeMutablePointer<CChar>

  /// Opens libcurl if this is the first client of the process, and checks nothing else: no connection is made.
  ///
  /// - Throws: `.unavailable` when libcurl is missing, `.unusable` when it does not take the settings.
  package init(settings: HTTPClientSettings, interruption: Interruption) throws(HTTPClientError) {
    self.settings = settings
    self.interruption = interruption
    curl = try CurlLibrary.shared.get().functions
    guard let handle = curl.easy_init() else { throw .unavailable("libcurl has no memory for a client") }
    unsafe self.handle = handle
    unsafe failureText = .allocate(capacity: Int(CURL_ERROR_SIZE))
    unsafe failureText.initialize(repeating: 0, count: Int(CURL_ERROR_SIZE))
    try configure()
  }

  deinit {
    // Safe: the handle and the text belong to this client, and nothing is running.
    unsafe curl.easy_cleanup(handle)
    unsafe failureText.deallocate()
  }

  /// Posts `body` and waits for the complete response, whatever its status. Blocks for `timeout` at most.
  ///
  /// - Parameter timeout: from looking the name up to the last byte of the response; zero means no limit.
  package func post(url: String, headers: [HTTPField], body: Bytes, timeout: Duration) throws(HTTPClientError)
    -> HTTPClientResponse
  {
    if interruption.isInterrupted { throw .interrupted }
    let exchange = HTTPExchange(responseBytesMax: settings.responseBytesMax, interruption: interruption)
    let list = try unsafe fieldList(headers)
    defer { unsafe curl.slist_free_all(list) }
    guard ["http://", "https://"].contains(where: { url.lowercased().hasPrefix($0) }) else {
      throw .unusable("cannot use the URL: it must begin with http:// or https://")
    }
    try set(CURLOPT_URL, url, or: "cannot use the URL")
    try set(CURLOPT_TIMEOUT_MS, number: timeout.milliseconds)
    try set(CURLOPT_PROXY, proxy(for: url), or: "cannot use the proxy")
    let code = unsafe perform(body, list, exchange)
    guard code == CURLE_OK else { throw failure(code, exchange) }
    var status = 0
    unsafe otlpd_curl_status(curl, handle, &status)
    return exchange.finish(status: status)
  }

  private func perform(_ body: Bytes, _ list: UnsafeMutablePointer<curl_slist>?, _ exchange: HTTPExchange) -> CURLcode {
    unsafe body.withUnsafePaddedBytes { base, count in
      // Safe: the body, the list and the exchange outlive `easy_perform`, and what points at them is cleared behind it.
      // libcurl reads POSTFIELDS in place, and begins again by itself when a kept connection turns out to be dead.
      unsafe otlpd_curl_set_pointer(curl, handle, CURLOPT_POSTFIELDS, base)
      unsafe otlpd_curl_set_size(curl, handle, CURLOPT_POSTFIELDSIZE_LARGE, count)
      unsafe otlpd_curl_set_pointer(curl, handle, CURLOPT_HTTPHEADER, list)
      let context = unsafe Unmanaged.passUnretained(exchange).toOpaque()
      unsafe otlpd_curl_set_callbacks(curl, handle, receiveBody, receiveHeadLine, watchInterruption, context)
      defer {
        unsafe otlpd_curl_set_pointer(curl, handle, CURLOPT_POSTFIELDS, nil)
        unsafe otlpd_curl_set_pointer(curl, handle, CURLOPT_HTTPHEADER, nil)
      }
      unsafe failureText[0] = 0
      return withExtendedLifetime(exchange) { unsafe curl.easy_perform(handle) }
    }
  }
}
