// A certificate ready for use: OpenSSL's SSL_CTX.

internal import COpenSSL
internal import System

/// What the sessions of one listener share until its certificate changes. Immutable once made; any thread.
// `@unchecked Sendable`: OpenSSL counts references to a context atomically, and nothing changes it after `init`.
// `@safe`: the pointers are private and live as long as the object.
@safe
final class TLSContext: @unchecked Sendable {
  let openSSL: OpenSSL
  /// An SSL_CTX.
  let pointer: OpaquePointer
  /// The protocols in the form of RFC 7301: each with its length in front.
  private let protocols: UnsafeMutableBufferPointer<UInt8>

  /// - Throws: what is wrong with a file or a key, with its name.
  init(_ settings: TLSSettings) throws(TLSError) {
    let openSSL = try OpenSSL.shared.get()
    openSSL.clearErrors()
    guard let pointer = unsafe openSSL.functions.SSL_CTX_new(openSSL.functions.TLS_server_method()) else {
      throw TLSError("cannot prepare TLS: \(openSSL.takeError().text)")
    }
    self.openSSL = openSSL
    unsafe self.pointer = pointer
    let wire = settings.protocols.flatMap { [UInt8($0.utf8.count)] + Array($0.utf8) }
    unsafe protocols = .allocate(capacity: wire.count)
    _ = unsafe protocols.initialize(from: wire)
    setModes()
    try setVersions(settings)
    try setCertificate(settings)
    try setClientAuthorities(settings)
  }

  deinit {
    unsafe openSSL.functions.SSL_CTX_free(pointer)
    unsafe protocols.deallocate()
  }

  // Safe here and below: the context lives as long as `self`; OpenSSL copies or counts what it is given.
  private func control(_ command: Int32, _ number: Int) {
    _ = unsafe openSSL.functions.SSL_CTX_ctrl(pointer, command, number, nil)
  }

  @unsafe
  private func control(_ command: Int32, _ number: Int, _ argument: UnsafeMutableRawPointer) -> Bool {
    unsafe openSSL.functions.SSL_CTX_ctrl(pointer, command, number, argument) == 1
  }

  private func setModes() {
    _ = unsafe openSSL.functions.SSL_CTX_set_options(pointer, otlpd_openssl_options)
    control(SSL_CTRL_MODE, otlpd_openssl_mode)
    // One read(2) instead of two for a record.
    control(SSL_CTRL_SET_READ_AHEAD, 1)
    // Clients resume with tickets, which cost the server nothing; its own cache would grow with every client.
    control(SSL_CTRL_SET_SESS_CACHE_MODE, Int(SSL_SESS_CACHE_OFF))
    let name: [UInt8] = Array("otlpd".utf8)
    _ = unsafe openSSL.functions.SSL_CTX_set_session_id_context(pointer, name, UInt32(name.count))
    if unsafe !protocols.isEmpty {
      // Safe: `selectProtocol` reads the protocols while a session, and so this object, lives.
      unsafe openSSL.functions.SSL_CTX_set_alpn_select_cb(
        pointer, selectProtocol, Unmanaged.passUnretained(self).toOpaque())
    }
  }

  private func setVersions(_ settings: TLSSettings) throws(TLSError) {
    control(SSL_CTRL_SET_MIN_PROTO_VERSION, settings.minimumVersion.rawValue)
    control(SSL_CTRL_SET_MAX_PROTO_VERSION, settings.maximumVersion?.rawValue ?? 0)
    if !settings.cipherSuites.isEmpty {
      let list = settings.cipherSuites.joined(separator: ":")
      if unsafe openSSL.functions.SSL_CTX_set_cipher_list(pointer, list) != 1 {
        throw failure("none of the cipher suites can be used: \(list)")
      }
    }
    if !settings.groups.isEmpty {
      let list = settings.groups.joined(separator: ":")
      var text = Array(list.utf8CString)
      if unsafe !control(SSL_CTRL_SET_GROUPS_LIST, 0, &text) { throw failure("cannot use the curves \(list)") }
    }
  }

  // MARK: Certificates

  private func setCertificate(_ settings: TLSSettings) throws(TLSError) {
    let what = "the certificate \(TLSContext.name(settings.certificate))"
    var isFirst = true
    try unsafe forEachCertificate(settings.certificate, what) { certificate in
      defer { isFirst = false }
      // Safe: both calls count a reference of their own or report failure.
      return isFirst
        ? unsafe openSSL.functions.SSL_CTX_use_certificate(pointer, certificate) == 1
        : unsafe control(SSL_CTRL_CHAIN_CERT, 1, UnsafeMutableRawPointer(certificate))
    }
    let keyName = "the key \(TLSContext.name(settings.key))"
    let bytes = try TLSContext.read(settings.key, keyName)
    let key = unsafe withBIO(bytes) { bio in
      // Safe: with an empty passphrase OpenSSL asks nobody; what it returns is freed below.
      unsafe openSSL.functions.PEM_read_bio_PrivateKey(bio, nil, nil, UnsafeMutableRawPointer(mutating: noPassphrase))
    }
    guard let key = unsafe key else {
      throw failure("cannot use \(keyName): expected a private key in PEM form without a passphrase")
    }
    defer { unsafe openSSL.functions.EVP_PKEY_free(key) }
    guard unsafe openSSL.functions.SSL_CTX_use_PrivateKey(pointer, key) == 1,
      unsafe openSSL.functions.SSL_CTX_check_private_key(pointer) == 1
    else { throw failure("\(what) and \(keyName) do not belong together") }
  }

  private func setClientAuthorities(_ settings: TLSSettings) throws(TLSError) {
    guard let source = settings.clientAuthorities else { return }
    let what = "the client authorities \(TLSContext.name(source))"
    // Safe: the store belongs to the context.
    let store = unsafe openSSL.functions.SSL_CTX_get_cert_store(pointer)
    try unsafe forEachCertificate(source, what) { certificate in
      unsafe openSSL.functions.X509_STORE_add_cert(store, certificate) == 1
        && openSSL.functions.SSL_CTX_add_client_CA(pointer, certificate) == 1
    }
    unsafe openSSL.functions.SSL_CTX_set_verify(pointer, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nil)
  }

  /// Lends every certificate of the source to `use`.
  private func forEachCertificate(
    _ source: TLSSettings.Source, _ what: String, _ use: (OpaquePointer) -> Bool
  ) throws(TLSError) {
    let bytes = try TLSContext.read(source, what)
    var count = 0
    var isUsable = true
    unsafe withBIO(bytes) { bio in
      while isUsable, let certificate = unsafe openSSL.functions.PEM_read_bio_X509(bio, nil, nil, nil) {
        isUsable = unsafe use(certificate)
        unsafe openSSL.functions.X509_free(certificate)
        count += 1
      }
    }
    if !isUsable { throw failure("cannot use \(what)") }
    // The end of the file is an error in the queue, too.
    openSSL.clearErrors()
    if count == 0 { throw TLSError("cannot use \(what): expected certificates in PEM form, found none") }
  }

  /// Lends the bytes in OpenSSL's form.
  @unsafe
  private func withBIO<Result>(_ bytes: [UInt8], _ body: (OpaquePointer?) -> Result) -> Result {
    unsafe bytes.withUnsafeBytes { buffer in
      // Safe: a memory BIO reads the buffer and is freed before it goes.
      let bio = unsafe openSSL.functions.BIO_new_mem_buf(buffer.baseAddress, Int32(buffer.count))
      defer { _ = unsafe openSSL.functions.BIO_free(bio) }
      return unsafe body(bio)
    }
  }

  private static func read(_ source: TLSSettings.Source, _ what: String) throws(TLSError) -> [UInt8] {
    switch source {
    case .text(let text): return Array(text.utf8)
    case .file(let path):
      do throws(SystemError) {
        return try SmallFile.read(path)
      } catch {
        throw TLSError("cannot use \(what): \(error.reason)")
      }
    }
  }

  private static func name(_ source: TLSSettings.Source) -> String {
    if case .file(let path) = source { path } else { "in the configuration" }
  }

  private func failure(_ what: String) -> TLSError { TLSError("\(what) (\(openSSL.takeError().text))") }

  // MARK: Called by OpenSSL

  /// Chooses what both sides speak; a client that offers none of it is refused (RFC 7301 section 3.2).
  fileprivate func select(
    _ output: UnsafeMutablePointer<UnsafePointer<UInt8>?>?, _ length: UnsafeMutablePointer<UInt8>?,
    _ offered: UnsafePointer<UInt8>?, _ offeredLength: UInt32
  ) -> Int32 {
    var chosen: UnsafeMutablePointer<UInt8>?
    // Safe: OpenSSL reads both lists and points into one of them; both outlive the callback.
    let outcome = unsafe openSSL.functions.SSL_select_next_proto(
      &chosen, length, protocols.baseAddress, UInt32(protocols.count), offered, offeredLength)
    guard outcome == OPENSSL_NPN_NEGOTIATED else { return SSL_TLSEXT_ERR_ALERT_FATAL }
    unsafe output?.pointee = UnsafePointer(chosen)
    return SSL_TLSEXT_ERR_OK
  }
}

/// An empty C text.
// Safe: a constant with static storage.
private nonisolated(unsafe) let noPassphrase: UnsafePointer<CChar> = {
  let text = UnsafeMutablePointer<CChar>.allocate(capacity: 1)
  unsafe text.initialize(to: 0)
  return unsafe UnsafePointer(text)
}()

// A function and not a closure: C calls it.
private func selectProtocol(
  _ session: OpaquePointer?, _ output: UnsafeMutablePointer<UnsafePointer<UInt8>?>?,
  _ length: UnsafeMutablePointer<UInt8>?, _ offered: UnsafePointer<UInt8>?, _ offeredLength: UInt32,
  _ context: UnsafeMutableRawPointer?
) -> Int32 {
  // Safe: `setModes` passed the context, which every session keeps alive.
  unsafe Unmanaged<TLSContext>.fromOpaque(context!).takeUnretainedValue().select(
    output, length, offered, offeredLength)
}
