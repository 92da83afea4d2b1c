// The file's form of a server's TLS: every key is checked, none has an effect yet.

internal import Config

/// `tls:` of a receiver's protocol.
struct TLSServerConfig: ConfigBlock {
  mutating func read(from map: MapReader) {
    for key in [
      "cert_file", "key_file", "cert_pem", "key_pem", "ca_file", "ca_pem", "client_ca_file", "min_version",
      "max_version",
    ] {
      map.inert(key, default: "")
    }
    map.inert("client_ca_file_reload", default: false)
    map.inert("include_system_ca_certs_pool", default: false)
    map.inert("cipher_suites", default: [String]())
    map.inert("curve_preferences", default: [String]())
    map.inert("reload_interval", default: Duration.zero)
  }
}
