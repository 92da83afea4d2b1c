// How settings, fields and failures become libcurl's.

internal import CCurl
internal import Glibc
internal import System

extension HTTPClient {
  /// Sets what holds for every request.
  func configure() throws(HTTPClientError) {
    unsafe otlpd_curl_set_pointer(curl, handle, CURLOPT_ERRORBUFFER, failureText)
    // Time limits must not use SIGALRM in a process with threads.
    try set(CURLOPT_NOSIGNAL, number: 1)
    // Since 7.87: older versions wait for a look-up that takes too long.
    _ = try? set(CURLOPT_QUICK_EXIT, number: 1)
    try set(CURLOPT_POST, number: 1)
    try set(CURLOPT_FOLLOWLOCATION, number: 0)
    try set(CURLOPT_TCP_KEEPALIVE, number: 1)
    try set(CURLOPT_CONNECTTIMEOUT_MS, number: settings.connectTimeout.milliseconds)
    try set(CURLOPT_MAXAGE_CONN, number: Int(settings.idleConnectionTimeout.seconds.rounded(.up)))
    try set(CURLOPT_FORBID_REUSE, number: settings.keepsConnections ? 0 : 1)
    try set(CURLOPT_SUPPRESS_CONNECT_HEADERS, number: 1)
    // A new connection asks for the address anew: behind a name, servers come and go.
    try set(CURLOPT_DNS_CACHE_TIMEOUT, number: 0)
    try set(CURLOPT_HTTP_VERSION, number: settings.version.option)
    // A proxy speaks HTTP/1.1: HTTP/2 goes through it in a tunnel.
    try set(CURLOPT_HTTPPROXYTUNNEL, number: settings.version == .http2 ? 1 : 0)
    try set(CURLOPT_USERAGENT, settings.userAgent, or: "cannot use the user agent \(settings.userAgent)")
    try set(CURLOPT_NOPROXY, settings.proxy.exceptions, or: "cannot use NO_PROXY")
    try configureTLS(settings.tls)
  }

  private func configureTLS(_ tls: TLSClientSettings) throws(HTTPClientError) {
    try set(CURLOPT_SSL_VERIFYPEER, number: tls.skipsVerification ? 0 : 1)
    try set(CURLOPT_SSL_VERIFYHOST, number: tls.skipsVerification ? 0 : 2)
    // A resumed session would show the certificate of the first handshake, also when the file is another by now.
    try set(CURLOPT_SSL_SESSIONID_CACHE, number: 0)
    try set(CURLOPT_SSLVERSION, number: tls.minimumVersion.option | (tls.maximumVersion?.upperOption ?? 0))
    if let pem = tls.caPEM {
      try set(CURLOPT_CAINFO_BLOB, copying: pem, or: "cannot use tls.ca_pem")
    } else if let file = tls.caFile {
      try require(readable: file, "tls.ca_file")
      try set(CURLOPT_CAINFO, file, or: "cannot use tls.ca_file \(file)")
    }
    // The system's directory of authorities stays in force unless it is taken away.
    if (tls.caPEM ?? tls.caFile) != nil, !tls.includesSystemCAs {
      try set(CURLOPT_CAPATH, nil, or: "cannot restrict the authorities")
    }
    if let pem = tls.certificatePEM {
      try set(CURLOPT_SSLCERT_BLOB, copying: pem, or: "cannot use tls.cert_pem")
    } else if let file = tls.certificateFile {
      try require(readable: file, "tls.cert_file")
      try set(CURLOPT_SSLCERT, file, or: "cannot use tls.cert_file \(file)")
    }
    if let pem = tls.keyPEM {
      try set(CURLOPT_SSLKEY_BLOB, copying: pem, or: "cannot use tls.key_pem")
    } else if let file = tls.keyFile {
      try require(readable: file, "tls.key_file")
      try set(CURLOPT_SSLKEY, file, or: "cannot use tls.key_file \(file)")
    }
    // Without one, OpenSSL asks the terminal for the passphrase of a locked key, and waits.
    try set(CURLOPT_KEYPASSWD, "", or: "cannot use the key of tls")
  }

  private func require(readable path: String, _ key: String) throws(HTTPClientError) {
    // Safe: `access` reads the NUL-terminated copy during the call only.
    guard unsafe access(path, R_OK) == 0 else {
      throw .unusable(SystemError.last("cannot read \(key) \(path)").description)
    }
  }

  func set(_ option: CURLoption, number: Int) throws(HTTPClientError) {
    let code = unsafe otlpd_curl_set_number(curl, handle, option, number)
    guard code == CURLE_OK else { throw unusable("cannot set libcurl's option \(option.rawValue)", code) }
  }

  /// libcurl copies the text; `nil` takes the option back.
  func set(_ option: CURLoption, _ text: String?, or problem: String) throws(HTTPClientError) {
    let code = unsafe otlpd_curl_set_text(curl, handle, option, text)
    guard code == CURLE_OK else { throw unusable(problem, code) }
  }

  private func set(_ option: CURLoption, copying text: String, or problem: String) throws(HTTPClientError) {
    let code = unsafe otlpd_curl_set_blob(curl, handle, option, text, text.utf8.count)
    guard code == CURLE_OK else { throw unusable(problem, code) }
  }

  /// The proxy that libcurl does not find by itself: it ignores `HTTP_PROXY` in capitals, since a web server may set
  /// that on behalf of a client; a daemon has no such parent.
  func proxy(for url: String) -> String? {
    switch settings.proxy {
    case .url(let proxy): proxy
    case .none: ""
    case .environment:
      if url.lowercased().hasPrefix("http:"), variable("http_proxy") == nil, variable("all_proxy") == nil {
        variable("HTTP_PROXY")
      } else {
        nil
      }
    }
  }

  /// The fields as libcurl's list, which the caller frees.
  ///
  /// - Parameter host: the Host field, unless `fields` has one; nil leaves it to libcurl.
  func fieldList(_ fields: [HTTPField], host: String?) throws(HTTPClientError) -> UnsafeMutablePointer<curl_slist>? {
    if let bad = fields.first(where: { !$0.isValid }) {
      throw .unusable(
        "cannot send the header \(bad.name.debugDescription): it holds characters that no header may hold")
    }
    // An empty Expect keeps libcurl from waiting up to a second for "100 Continue" above 1 MiB.
    var list = unsafe curl.slist_append(nil, "Expect:")
    var fields = fields
    if let host, !fields.contains(where: { $0.name.lowercased() == "host" }) { fields.append(HTTPField("Host", host)) }
    for field in fields {
      // A name with a semicolon is sent with an empty value; with a colon it would not be sent at all.
      let line = field.value.isEmpty ? "\(field.name);" : "\(field.name): \(field.value)"
      guard let longer = unsafe curl.slist_append(list, line) else { break }
      unsafe list = longer
    }
    return unsafe list
  }

  /// Why `easy_perform` failed.
  func failure(_ code: CURLcode, _ exchange: HTTPExchange) -> HTTPClientError {
    if exchange.isTooLarge { return .responseTooLarge(bytesMax: settings.responseBytesMax) }
    // Safe: libcurl ends the text with NUL, and `post` emptied it before the request.
    var reason = unsafe String(cString: failureText)
    if reason.isEmpty { reason = curl.text(for: code) }
    return switch code {
    case CURLE_ABORTED_BY_CALLBACK: .interrupted
    case CURLE_OPERATION_TIMEDOUT: .timedOut(reason)
    case CURLE_PEER_FAILED_VERIFICATION:
      .transport(reason + ". Name the authority that signed the server's certificate in tls.ca_file.")
    case CURLE_URL_MALFORMAT, CURLE_SSL_CERTPROBLEM, CURLE_SSL_CACERT_BADFILE: .unusable(reason)
    default: .transport(reason)
    }
  }

  private func unusable(_ problem: String, _ code: CURLcode) -> HTTPClientError {
    .unusable("\(problem): \(curl.text(for: code))")
  }
}

extension HTTPVersion {
  var option: Int {
    switch self {
    case .negotiated: CURL_HTTP_VERSION_2TLS
    case .http1: CURL_HTTP_VERSION_1_1
    case .http2: CURL_HTTP_VERSION_2_PRIOR_KNOWLEDGE
    }
  }
}

extension TLSClientSettings.Version {
  fileprivate var option: Int {
    switch self {
    case .tls10: CURL_SSLVERSION_TLSv1_0
    case .tls11: CURL_SSLVERSION_TLSv1_1
    case .tls12: CURL_SSLVERSION_TLSv1_2
    case .tls13: CURL_SSLVERSION_TLSv1_3
    }
  }

  /// curl.h: the upper end of the range stands 16 bits higher.
  fileprivate var upperOption: Int { option << 16 }
}

extension ProxySettings {
  /// The hosts that are reached directly, in libcurl's form.
  fileprivate var exceptions: String {
    guard self == .environment else { return "" }
    let listed = variable("no_proxy") ?? variable("NO_PROXY") ?? ""
    return listed == "*" ? listed : (listed.isEmpty ? "" : listed + ",") + "localhost,127.0.0.1,::1"
  }
}

private func variable(_ name: String) -> String? {
  // Safe: the process sets no variables, so the text stays valid while it is copied.
  unsafe getenv(name).map { unsafe String(cString: $0) }
}
