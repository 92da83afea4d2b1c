// Where a sink sends to, as far as the configuration says.

package import Config

extension HostPort {
  /// The address in a URL: `http://localhost:4318/x`.
  package init?(authorityOf url: String) {
    let isSecure = url.lowercased().hasPrefix("https://")
    let authority = url.dropFirst(isSecure ? 8 : 7).prefix { !"/?#".contains($0) }
    let host = authority.split(separator: "@").last ?? ""
    if let address = HostPort(String(host)) {
      self = address
    } else {
      self.init(host: String(host), port: isSecure ? 443 : 80)
    }
  }

  /// Whether a client that dials this address ends at `listener`, on this machine.
  package func reaches(_ listener: HostPort) -> Bool {
    guard port == listener.port, port != 0 else { return false }
    return host == listener.host || (isLoopback || isWildcard) && (listener.isLoopback || listener.isWildcard)
  }
}
