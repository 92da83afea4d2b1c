// The keys that both protocols of a receiver have.

internal import Config

/// Reads what a listener is told besides its protocol's own keys.
enum ListenerKeys {
  enum Network: String, ConfigChoice {
    case tcp, tcp4, tcp6, unix
  }

  static func readTransport(from map: MapReader) -> Network {
    var network = Network.tcp
    map.read("transport", into: &network)
    if network == .tcp4 || network == .tcp6 { map.noteInert("transport") }
    return network
  }
}
