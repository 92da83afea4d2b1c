// The keys that both protocols of a receiver have.

internal import Config
internal import HTTPServer

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

  /// Reads where to listen: host and port, or with `transport: unix` the path of a socket.
  static func readEndpoint(from map: MapReader, into endpoint: inout HostPort, socketPath: inout String?) {
    guard readTransport(from: map) == .unix else {
      let example = endpoint.description
      map.read("endpoint", into: &endpoint)
      map.require(
        ListenAddress(parsing: endpoint.description) != nil, "endpoint",
        "expected host:port such as \(example), found \"\(endpoint)\"")
      return
    }
    var path = ""
    map.read("endpoint", into: &path)
    map.require(
      path.hasPrefix("/") && path.utf8.count <= ListenAddress.pathBytesMax, "endpoint",
      "expected the absolute path of a socket, at most \(ListenAddress.pathBytesMax) bytes, found \(quoted(path))")
    socketPath = path
  }
}
