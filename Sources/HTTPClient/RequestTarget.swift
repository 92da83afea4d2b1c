// Where a request goes, when the server's certificate is of another name than the address.

/// A URL, and what libcurl is told when another name than the URL's host is to be verified.
///
/// libcurl takes the name for the TLS handshake and for the certificate from the URL. So the URL gets the other name,
/// the connection goes to the real host (CURLOPT_CONNECT_TO), and the Host field stays the real one.
package struct RequestTarget: Equatable {
  package let url: String
  /// `::host:port`, for any host and port.
  package private(set) var connectTo: String?
  package private(set) var hostField: String?

  /// - Returns: nil unless the URL begins with http:// or https:// and names a host.
  package init?(_ url: String, serverName: String?) {
    guard let scheme = ["http://", "https://"].first(where: { url.lowercased().hasPrefix($0) }) else { return nil }
    let rest = url.dropFirst(scheme.count)
    let authority = rest.prefix { !"/?#".contains($0) }
    let hostStart = authority.lastIndex(of: "@").map { authority.index(after: $0) } ?? authority.startIndex
    let hostAndPort = authority[hostStart...]
    // A colon inside the brackets of an IPv6 address begins no port.
    let portColon = hostAndPort.lastIndex(of: ":").flatMap { colon in
      hostAndPort.lastIndex(of: "]").map { $0 < colon } ?? true ? colon : nil
    }
    let host = hostAndPort[..<(portColon ?? hostAndPort.endIndex)]
    guard !host.isEmpty else { return nil }
    guard let serverName, !serverName.isEmpty, scheme == "https://" else {
      self.url = url
      return
    }
    let port = portColon.map { hostAndPort[$0...] } ?? ""
    let name = serverName.contains(":") && !serverName.hasPrefix("[") ? "[\(serverName)]" : serverName
    self.url = url.prefix(scheme.count) + authority[..<hostStart] + name + port + rest[authority.endIndex...]
    connectTo = "::\(host)\(port.isEmpty ? ":443" : port)"
    hostField = String(hostAndPort)
  }
}
