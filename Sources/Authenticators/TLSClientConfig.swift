// The file's form of a client's TLS.

package import Config
package import HTTPClient

/// `tls:` of whatever connects to a server.
package struct TLSClientConfig: ConfigBlock, Equatable, Sendable {
  /// No TLS at all. Only endpoints without a scheme ask this; elsewhere `http://` or `https://` decides.
  package var isInsecure = false
  package var caFile: String?
  package var caPEM: String?
  package var includesSystemCAs = false
  package var skipsVerification = false
  package var certificateFile: String?
  package var keyFile: String?
  package var certificatePEM: Secret?
  package var keyPEM: Secret?
  package var serverName: String?
  package var minVersion = TLSVersion.tls12
  package var maxVersion = TLSVersion.unset

  package init() {}

  package mutating func read(from map: MapReader) {
    map.read("insecure", into: &isInsecure)
    map.read("insecure_skip_verify", into: &skipsVerification)
    if skipsVerification {
      map.warn("insecure_skip_verify", "whoever answers is believed to be the server; name its authority in ca_file")
    }
    map.read("ca_file", into: &caFile)
    map.read("ca_pem", into: &caPEM)
    map.read("include_system_ca_certs_pool", into: &includesSystemCAs)
    map.read("cert_file", into: &certificateFile)
    map.read("key_file", into: &keyFile)
    requirePair(map, "cert_file", certificateFile != nil, "key_file", keyFile != nil)
    map.read("cert_pem", into: &certificatePEM)
    map.read("key_pem", into: &keyPEM)
    requirePair(map, "cert_pem", certificatePEM != nil, "key_pem", keyPEM != nil)
    map.read("server_name_override", into: &serverName)
    map.read("min_version", into: &minVersion)
    map.read("max_version", into: &maxVersion)
    if let highest = maxVersion.settings {
      map.require(
        highest >= (minVersion.settings ?? .tls12), "max_version", "must not be lower than min_version")
    }
    map.inert("cipher_suites", default: [String]())
    map.inert("curve_preferences", default: [String]())
    map.inert("reload_interval", default: Duration.zero)
  }

  private func requirePair(_ map: MapReader, _ cert: String, _ hasCert: Bool, _ key: String, _ hasKey: Bool) {
    map.require(
      hasCert == hasKey, hasCert ? cert : key, "\(cert) and \(key) belong together: set both or none")
  }

  package var settings: TLSClientSettings {
    var settings = TLSClientSettings()
    settings.caFile = caFile.nonEmpty
    settings.caPEM = caPEM.nonEmpty
    settings.includesSystemCAs = includesSystemCAs
    settings.skipsVerification = skipsVerification
    settings.certificateFile = certificateFile.nonEmpty
    settings.keyFile = keyFile.nonEmpty
    settings.certificatePEM = certificatePEM?.reveal().nonEmpty
    settings.keyPEM = keyPEM?.reveal().nonEmpty
    settings.serverName = serverName.nonEmpty
    settings.minimumVersion = minVersion.settings ?? .tls12
    settings.maximumVersion = maxVersion.settings
    return settings
  }
}

extension String? {
  /// Nil for an empty text, too: in the file both mean "not set".
  fileprivate var nonEmpty: String? { self?.nonEmpty }
}

extension String {
  fileprivate var nonEmpty: String? { isEmpty ? nil : self }
}

/// A version of TLS, as the Collector writes it.
package enum TLSVersion: String, ConfigChoice {
  case unset = ""
  case tls10 = "1.0"
  case tls11 = "1.1"
  case tls12 = "1.2"
  case tls13 = "1.3"

  var settings: TLSClientSettings.Version? {
    switch self {
    case .unset: nil
    case .tls10: .tls10
    case .tls11: .tls11
    case .tls12: .tls12
    case .tls13: .tls13
    }
  }
}
