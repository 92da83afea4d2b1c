// The file's form of a server's TLS.

package import Config
package import TLS

/// `tls:` of a receiver's protocol; the Collector's keys.
package struct TLSServerConfig: ConfigBlock, Equatable, Sendable {
  package var certificateFile = ""
  package var certificatePEM = ""
  package var keyFile = ""
  package var keyPEM = Secret("")
  package var clientCAFile = ""
  package var minVersion = ""
  package var maxVersion = ""
  package var cipherSuites: [String] = []
  package var curvePreferences: [String] = []
  /// How often the files are looked at for changes; zero means the default of `TLSSettings`.
  package var reloadInterval = Duration.zero

  package init() {}

  package mutating func read(from map: MapReader) {
    map.read("cert_file", into: &certificateFile)
    map.read("cert_pem", into: &certificatePEM)
    map.read("key_file", into: &keyFile)
    map.read("key_pem", into: &keyPEM)
    map.read("client_ca_file", into: &clientCAFile)
    checkPair(map)
    map.read("min_version", into: &minVersion)
    map.read("max_version", into: &maxVersion)
    checkVersions(map)
    map.read("cipher_suites", into: &cipherSuites)
    check(cipherSuites, among: Self.suites.keys.sorted() + Self.suitesOfTLS13, "cipher_suites", map)
    map.read("curve_preferences", into: &curvePreferences)
    check(curvePreferences, among: Self.groups.keys.sorted() + [Self.unavailableGroup], "curve_preferences", map)
    map.require(
      curvePreferences != [Self.unavailableGroup], "curve_preferences", "OpenSSL 3.0 does not have it; add another")
    map.read("reload_interval", into: &reloadInterval)
    // Changed files are always found.
    var ignored = false
    map.read("client_ca_file_reload", into: &ignored)
    // A server shows certificates to clients, and checks theirs with client_ca_file.
    map.inert("ca_file", default: "")
    map.inert("ca_pem", default: "")
    map.inert("include_system_ca_certs_pool", default: false)
  }

  private func checkPair(_ map: MapReader) {
    // The Collector's words.
    map.require(
      certificateFile.isEmpty || certificatePEM.isEmpty, "cert_pem",
      "provide either a certificate or the PEM-encoded string, but not both")
    map.require(
      keyFile.isEmpty || keyPEM.reveal().isEmpty, "key_pem",
      "provide either a key or the PEM-encoded string, but not both")
    let hasCertificate = !certificateFile.isEmpty || !certificatePEM.isEmpty
    let hasKey = !keyFile.isEmpty || !keyPEM.reveal().isEmpty
    map.require(
      hasCertificate && hasKey, hasCertificate ? "key_file" : "cert_file",
      "TLS configuration must include both certificate and key for server connections")
  }

  private func checkVersions(_ map: MapReader) {
    let versions = ["", "1.0", "1.1", "1.2", "1.3"]
    check([minVersion], among: versions, "min_version", map)
    check([maxVersion], among: versions, "max_version", map)
    // RFC 8996: TLS 1.0 and 1.1 must not be used.
    if minVersion == "1.0" || minVersion == "1.1" { map.warn("min_version", "TLS below 1.2 is not spoken; 1.2 holds") }
    map.require(
      maxVersion != "1.0" && maxVersion != "1.1", "max_version", "TLS below 1.2 is not spoken; expected 1.2 or 1.3")
    map.require(
      maxVersion != "1.2" || minVersion != "1.3", "max_version", "min_version cannot be greater than max_version")
  }

  private func check(_ words: [String], among known: [String], _ key: String, _ map: MapReader) {
    for word in words where !known.contains(word) {
      let list = known.filter { !$0.isEmpty }.joined(separator: ", ")
      map.fail(key, "unknown \(quoted(word))\(suggestion(for: word, among: known)) (available: \(list))")
    }
  }

  /// The same for the code.
  ///
  /// - Parameter protocols: what the listener speaks, the preferred one first.
  package func settings(protocols: [String]) -> TLSSettings {
    var settings = TLSSettings(
      certificate: certificateFile.isEmpty ? .text(certificatePEM) : .file(certificateFile),
      key: keyFile.isEmpty ? .text(keyPEM.reveal()) : .file(keyFile))
    if !clientCAFile.isEmpty { settings.clientAuthorities = .file(clientCAFile) }
    settings.minimumVersion = minVersion == "1.3" ? .tls13 : .tls12
    settings.maximumVersion = maxVersion == "1.2" ? .tls12 : nil
    settings.cipherSuites = cipherSuites.compactMap { Self.suites[$0] }
    settings.groups = curvePreferences.compactMap { Self.groups[$0] }
    settings.protocols = protocols
    if reloadInterval > .zero { settings.reloadInterval = reloadInterval }
    return settings
  }

  /// The suites of TLS 1.2 by the names of the IANA and the Collector, with OpenSSL's.
  private static let suites = [
    "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256": "ECDHE-ECDSA-AES128-GCM-SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384": "ECDHE-ECDSA-AES256-GCM-SHA384",
    "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256": "ECDHE-ECDSA-CHACHA20-POLY1305",
    "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA": "ECDHE-ECDSA-AES128-SHA",
    "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA": "ECDHE-ECDSA-AES256-SHA",
    "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256": "ECDHE-RSA-AES128-GCM-SHA256",
    "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384": "ECDHE-RSA-AES256-GCM-SHA384",
    "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256": "ECDHE-RSA-CHACHA20-POLY1305",
    "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA": "ECDHE-RSA-AES128-SHA",
    "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA": "ECDHE-RSA-AES256-SHA",
  ]

  /// As in the Collector these may be named and are always on.
  private static let suitesOfTLS13 = [
    "TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256",
  ]

  private static let groups = ["P256": "P-256", "P384": "P-384", "P521": "P-521", "X25519": "X25519"]
  /// Known to the Collector; left out here.
  private static let unavailableGroup = "X25519MLKEM768"
}
