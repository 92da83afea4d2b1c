// Where a gRPC server is: the forms of `endpoint:` in the Collector.

package import Config

/// `host:port`, `http://host:port`, `https://host:port`, `dns:///host:port`.
package struct GRPCEndpoint: ConfigValue, Hashable, Sendable {
  package let address: HostPort
  /// Whether the scheme asks for TLS, or for none; nil without such a scheme.
  package let isSecure: Bool?

  package init?(_ text: String) {
    var rest = text[...]
    var isSecure: Bool?
    let lowercased = text.lowercased()
    // gRPC "Name Resolution": a name with or without an authority of the resolver, which libcurl does not choose.
    for (scheme, means) in [("https://", true), ("http://", false), ("dns:///", nil)] as [(String, Bool?)]
    where lowercased.hasPrefix(scheme) {
      rest = rest.dropFirst(scheme.count)
      isSecure = means
    }
    while rest.hasSuffix("/") { rest.removeLast() }
    guard let address = HostPort(String(rest)), !address.host.isEmpty, address.port > 0,
      address.host.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && !"@?#%\\".utf8.contains($0) })
    else { return nil }
    self.address = address
    self.isSecure = isSecure
  }

  package static func decode(_ reader: NodeReader) -> GRPCEndpoint? {
    let expected = "host:port such as gateway:4317, or the same behind http://, https:// or dns:///"
    guard let text = reader.text(expected: expected) else { return nil }
    if let endpoint = GRPCEndpoint(text) { return endpoint }
    if text.isEmpty {
      // The Collector's words.
      reader.fail("requires a non-empty \"endpoint\"; expected \(expected)")
    } else {
      reader.fail("expected \(expected), found \(quoted(text))")
    }
    return nil
  }
}
