// The file's form of a client's TLS.

package import Config
package import HTTPClient

/// `tls:` of a sink that connects to a server.
package struct TLSClientConfig: ConfigBlock, Equatable, Sendable {
  package var caFile: String?
  package var caPEM: String?
  package var includesSystemCAs = false
  package var skipsVerification = false
  package var certificateFile: String?
  package var keyFile: String?
  package var minVersion = TLSVersion.tls12

  package init() {}

  package mutating func read(from map: MapReader) {
    // Only gRPC endpoints may come without a scheme; here `http://` or `https://` decides, as in the Collector.
    var ignored = false
    map.read("insecure", into: &ignored)
    map.read("insecure_skip_verify", into: &skipsVerification)
    map.read("ca_file", into: &caFile)
    map.read("ca_pem", into: &caPEM)
    map.read("include_system_ca_certs_pool", into: &includesSystemCAs)
    map.read("cert_file", into: &certificateFile)
    map.read("key_file", into: &keyFile)
    map.require(
      (certificateFile == nil) == (keyFile == nil), certificateFile == nil ? "key_file" : "cert_file",
      "cert_file and key_file belong together: set both or none")
    map.read("min_version", into: &minVersion)
    map.inert("max_version", default: "")
    for key in ["cert_pem", "key_pem", "server_name_override"] { map.inert(key, default: "") }
    map.inert("cipher_suites", default: [String]())
    map.inert("curve_preferences", default: [String]())
    map.inert("reload_interval", default: Duration.zero)
  }

  package var settings: TLSClientSettings {
    var settings = TLSClientSettings()
    settings.caFile = caFile
    settings.caPEM = caPEM
    settings.includesSystemCAs = includesSystemCAs
    settings.skipsVerification = skipsVerification
    settings.certificateFile = certificateFile
    settings.keyFile = keyFile
    settings.minimumVersion = minVersion.settings
    return settings
  }
}

/// A version of TLS, as the Collector writes it.
package enum TLSVersion: String, ConfigChoice {
  case tls10 = "1.0"
  case tls11 = "1.1"
  case tls12 = "1.2"
  case tls13 = "1.3"

  var settings: TLSClientSettings.Version {
    switch self {
    case .tls10: .tls10
    case .tls11: .tls11
    case .tls12: .tls12
    case .tls13: .tls13
    }
  }
}
