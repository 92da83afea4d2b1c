// Whom a request believes to talk to.

internal import System

extension HTTPRequest {
  /// Whether the Host field is `localhost` or an address, with or without a port; also when there is none.
  ///
  /// A web page can make its own name lead to 127.0.0.1 and then read what a listener there answers ("DNS rebinding").
  /// Its browser sends that name, and never an address or `localhost`.
  package var isForLocalHost: Bool {
    guard let field = header("host"), !field.isEmpty else { return true }
    var host = field[...]
    if host.hasPrefix("["), let end = host.firstIndex(of: "]") {
      host = host[host.index(after: host.startIndex)..<end]
    } else if let colon = host.lastIndex(of: ":") {
      host = host[..<colon]
    }
    return host.lowercased() == "localhost" || SocketAddress(literal: String(host), port: 0) != nil
  }
}
