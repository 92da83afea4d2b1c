// Where each signal goes: the endpoint rules of the OTLP exporter specification.

package import OTLP

/// Composes and checks the URLs of an OTLP/HTTP destination.
package enum SignalURL {
  /// The URL that a signal's requests are posted to: the base endpoint with `/v1/<signal>` behind its path.
  ///
  /// OTLP exporter "Endpoint URLs for OTLP/HTTP": the base URL's path is kept, with exactly one slash between.
  package static func composed(base: String, signal: Signal) -> String {
    // A query belongs behind the path, a fragment is never sent.
    let withoutFragment = base.prefix { $0 != "#" }
    let path = withoutFragment.prefix { $0 != "?" }
    let query = withoutFragment[path.endIndex...]
    let trimmed = path.reversed().drop { $0 == "/" }.reversed()
    return String(trimmed) + "/v1/\(signal.name)" + query
  }

  /// Why nothing can be posted to this URL, or nil: what was found, what is expected.
  package static func problem(with url: String) -> String? {
    guard url.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
      return "holds a space, a control character or one outside ASCII; write it percent-encoded"
    }
    guard let scheme = ["http://", "https://"].first(where: { url.lowercased().hasPrefix($0) }) else {
      return "must begin with http:// or https://, as in http://localhost:4318"
    }
    let authority = url.dropFirst(scheme.count).prefix { !"/?#".contains($0) }
    let host = authority.split(separator: "@", omittingEmptySubsequences: false).last ?? ""
    let closing = host.lastIndex(of: "]")
    let portColon = host.lastIndex(of: ":").flatMap { closing == nil || $0 > closing! ? $0 : nil }
    let name = host[..<(portColon ?? host.endIndex)]
    guard !name.isEmpty else { return "names no host, as in http://localhost:4318" }
    // RFC 3986 3.2.2: an IPv6 address stands in brackets.
    guard name.hasPrefix("[") == name.hasSuffix("]"), !name.contains(":") || name.hasPrefix("[") else {
      return "holds an IPv6 address without brackets; write it as in http://[::1]:4318"
    }
    if let portColon {
      let digits = host[host.index(after: portColon)...]
      guard digits.utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }), let port = UInt16(digits), port > 0 else {
        return "has the port \"\(digits)\", which is no number from 1 to 65535"
      }
    }
    return nil
  }

  /// The URL as it may be logged: without a user and password, and without a query, which may hold a key.
  package static func redacted(_ url: String) -> String {
    let path = url.prefix { $0 != "?" && $0 != "#" }
    return withoutUser(String(path)) + (path.endIndex == url.endIndex ? "" : "?***")
  }

  private static func withoutUser(_ url: String) -> String {
    guard let start = url.range(of: "://")?.upperBound else { return url }
    let end = url[start...].firstIndex { "/?#".contains($0) } ?? url.endIndex
    guard let at = url[start..<end].lastIndex(of: "@") else { return url }
    return url[..<start] + "***" + url[at...]
  }
}

extension String {
  /// The first occurrence of `text`.
  fileprivate func range(of text: String) -> Range<Index>? {
    indices.lazy.filter { self[$0...].hasPrefix(text) }.first.map { $0..<index($0, offsetBy: text.count) }
  }
}
