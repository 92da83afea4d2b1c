// The keys that both protocols of a receiver have.

internal import Config

/// Reads what a listener is told besides its protocol's own keys.
enum ListenerKeys {
  private enum Network: String, ConfigChoice {
    case tcp, tcp4, tcp6, unix
  }

  static func readTransport(from map: MapReader) {
    var network = Network.tcp
    map.read("transport", into: &network)
    map.require(network != .unix, "transport", "unix is not built into this version of otlpd; available: tcp")
    if network == .tcp4 || network == .tcp6 { map.noteInert("transport") }
  }

  static func refuseTLS(in map: MapReader) {
    var tls: TLSServerConfig?
    map.read("tls", into: &tls)
    // Serving plain text where the owner wrote `tls` would show the telemetry to the network.
    map.require(
      tls == nil, "tls",
      "TLS is not built into this version of otlpd; remove `tls` to serve plain text, or put a TLS proxy in front")
  }

  static func refuseAuth(in map: MapReader) {
    AuthConfig.refuse("auth", in: map, because: "taking requests from anybody instead would be unsafe")
  }
}
