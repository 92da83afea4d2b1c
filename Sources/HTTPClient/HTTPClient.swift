// One outgoing HTTP request at a time, over libcurl, blocking.

package import Bytes
internal import CCurl
internal import System

/// Posts bodies, gets pages, and waits for the responses; connections stay open for the next request.
///
/// Not for several threads at once: each thread has its own client. Proxies, TLS, HTTP/2 and name resolution are
/// libcurl's; a look-up blocks the calling thread only. Redirects are answers like any other: a body that was meant
/// for one server is never sent to a second one.
///
/// After an error, make another client: libcurl keeps an HTTP/2 connection on which a request has timed out, and would
/// use it again although nothing may ever come back on it.
@safe
package final class HTTPClient {
  let settings: HTTPClientSettings
  private let interruption: Interruption
  let curl: otlpd_curl
  let handle: UnsafeMutableRawPointer
  /// libcurl writes its reason for a failure here.
  let failureText: UnsafeMutablePointer<CChar>
  private var isConnectionKept = false

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
    try request(url, headers, body: body, timeout)
  }

  /// Gets a page, and waits for the complete response, whatever its status. Blocks for `timeout` at most.
  package func get(url: String, headers: [HTTPField], timeout: Duration) throws(HTTPClientError) -> HTTPClientResponse {
    try request(url, headers, body: nil, timeout)
  }

  /// - Parameter body: nil asks with GET.
  private func request(
    _ url: String, _ headers: [HTTPField], body: Bytes?, _ timeout: Duration
  ) throws(HTTPClientError) -> HTTPClientResponse {
    if interruption.isInterrupted { throw .interrupted }
    let exchange = HTTPExchange(responseBytesMax: settings.responseBytesMax, interruption: interruption)
    guard let target = RequestTarget(url, serverName: settings.tls.serverName) else {
      throw .unusable("cannot use the URL: it must begin with http:// or https:// and name a host")
    }
    let list = try unsafe fieldList(headers, host: target.hostField)
    defer { unsafe curl.slist_free_all(list) }
    let detour = unsafe target.connectTo.flatMap { unsafe curl.slist_append(nil, $0) }
    defer { unsafe curl.slist_free_all(detour) }
    try set(CURLOPT_URL, target.url, or: "cannot use the URL")
    try set(CURLOPT_TIMEOUT_MS, number: timeout.milliseconds)
    try set(CURLOPT_PROXY, proxy(for: url), or: "cannot use the proxy")
    let code = try unsafe performOnKept(body, list, detour, exchange) ?? perform(body, list, detour, exchange)
    isConnectionKept = code == CURLE_OK
    guard code == CURLE_OK else { throw failure(code, exchange) }
    // libcurl takes a connection that ends inside a head for the end of the response.
    guard exchange.isHeadComplete else { throw .transport("the response ended before its head did") }
    var status = 0
    unsafe otlpd_curl_status(curl, handle, &status)
    return exchange.finish(status: status)
  }

  /// Uses the connection that an earlier request left open, where libcurl cannot do that by itself; nil when there is
  /// none and nothing was sent.
  ///
  /// Before 8.0, libcurl begins HTTP/2 with prior knowledge anew on a kept connection, which breaks it. With another
  /// version set it goes on as it should, but would open a new connection with HTTP/1.1: so it may not open any.
  private func performOnKept(
    _ body: Bytes?, _ list: UnsafeMutablePointer<curl_slist>?, _ detour: UnsafeMutablePointer<curl_slist>?,
    _ exchange: HTTPExchange
  ) throws(HTTPClientError) -> CURLcode? {
    guard isConnectionKept, settings.version == .http2, otlpd_curl_version(curl) < 0x080000 else { return nil }
    try set(CURLOPT_HTTP_VERSION, number: CURL_HTTP_VERSION_2TLS)
    // Safe: the exchange outlives the request, and the callback is taken back behind it.
    unsafe otlpd_curl_set_socket(curl, handle, refuseSocket, Unmanaged.passUnretained(exchange).toOpaque())
    let code = unsafe perform(body, list, detour, exchange)
    unsafe otlpd_curl_set_socket(curl, handle, nil, nil)
    try set(CURLOPT_HTTP_VERSION, number: settings.version.option)
    return exchange.needsNewConnection ? nil : code
  }

  private func perform(
    _ body: Bytes?, _ list: UnsafeMutablePointer<curl_slist>?, _ detour: UnsafeMutablePointer<curl_slist>?,
    _ exchange: HTTPExchange
  ) -> CURLcode {
    unsafe (body ?? Bytes()).withUnsafePaddedBytes { base, count in
      // Safe: body, lists and exchange outlive `easy_perform`, and what points at them is cleared behind it.
      // libcurl reads POSTFIELDS in place, and begins again by itself when a kept connection turns out to be dead.
      unsafe otlpd_curl_set_pointer(curl, handle, CURLOPT_POSTFIELDS, base)
      unsafe otlpd_curl_set_size(curl, handle, CURLOPT_POSTFIELDSIZE_LARGE, count)
      // Behind the body, which means POST.
      if body == nil { unsafe otlpd_curl_set_number(curl, handle, CURLOPT_HTTPGET, 1) }
      unsafe otlpd_curl_set_pointer(curl, handle, CURLOPT_HTTPHEADER, list)
      unsafe otlpd_curl_set_pointer(curl, handle, CURLOPT_CONNECT_TO, detour)
      let context = unsafe Unmanaged.passUnretained(exchange).toOpaque()
      unsafe otlpd_curl_set_callbacks(curl, handle, receiveBody, receiveHeadLine, watchInterruption, context)
      defer {
        unsafe otlpd_curl_set_pointer(curl, handle, CURLOPT_POSTFIELDS, nil)
        if body == nil { unsafe otlpd_curl_set_number(curl, handle, CURLOPT_POST, 1) }
        unsafe otlpd_curl_set_pointer(curl, handle, CURLOPT_HTTPHEADER, nil)
        unsafe otlpd_curl_set_pointer(curl, handle, CURLOPT_CONNECT_TO, nil)
      }
      unsafe failureText[0] = 0
      return withExtendedLifetime(exchange) { unsafe curl.easy_perform(handle) }
    }
  }
}
