// Addresses of the form host:port, as listeners and gRPC clients take them.

/// `localhost:4318`, `:4318`, `[::1]:4318`.
package struct HostPort: ConfigValue, Hashable, Sendable, CustomStringConvertible {
  /// Without brackets; empty for every address of the machine.
  package let host: String
  package let port: Int

  package init(host: String, port: Int) {
    self.host = host
    self.port = port
  }

  package init?(_ text: String) {
    guard let colon = text.lastIndex(of: ":") else { return nil }
    var host = text[..<colon]
    let digits = text[text.index(after: colon)...]
    guard !digits.isEmpty, digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let port = Int(digits),
      port <= 65535
    else { return nil }
    if host.hasPrefix("[") {
      guard host.hasSuffix("]") else { return nil }
      host = host.dropFirst().dropLast()
    } else if host.contains(":") {
      return nil
    }
    guard !host.contains(where: { $0.isWhitespace || $0 == "/" || $0 == "[" || $0 == "]" }) else { return nil }
    self.init(host: String(host), port: port)
  }

  package var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }

  /// Reaches this machine only.
  package var isLoopback: Bool { host == "localhost" || host == "::1" || host.hasPrefix("127.") }
  /// Listens on every address, or reaches this machine when dialled.
  package var isWildcard: Bool { host.isEmpty || host == "0.0.0.0" || host == "::" }

  package static func decode(_ reader: NodeReader) -> HostPort? {
    guard let text = reader.text(expected: "host:port such as localhost:4318") else { return nil }
    if let parsed = HostPort(text) { return parsed }
    let hint = text.contains("://") ? "; a listener has no scheme" : ""
    reader.fail("expected host:port such as localhost:4318, found \(quoted(text))\(hint)")
    return nil
  }
}
