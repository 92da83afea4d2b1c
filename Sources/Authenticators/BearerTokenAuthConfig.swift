// The file's form of bearer tokens.

package import Config
internal import HTTPClient
package import System

/// `extensions: bearertokenauth:`.
package struct BearerTokenAuthConfig: AuthenticatorConfig, Equatable {
  package static let type = "bearertokenauth"

  /// In front of the token, with a space; empty for the bare token.
  package var scheme = "Bearer"
  package var header = "Authorization"
  /// An exporter sends the first; a receiver accepts any.
  package var tokens: [Secret] = []
  /// A file with the token in its first line, which wins.
  package var filename = ""

  package init() {}

  package mutating func read(from map: MapReader) {
    map.read("scheme", into: &scheme)
    map.read("header", into: &header)
    map.require(HTTPField(header, "").isValid, "header", "\(quoted(header)) is no name of an HTTP header")
    var token = Secret("")
    map.read("token", into: &token)
    map.read("tokens", into: &tokens)
    map.read("filename", into: &filename)
    if !token.reveal().isEmpty {
      // The Collector's words.
      map.require(tokens.isEmpty, "tokens", "either tokens or token should be set, not both")
      tokens = [token]
    }
    let isGiven = tokens.contains { !$0.reveal().isEmpty }
    map.require(isGiven || !filename.isEmpty, "token", "no bearer token provided; set token, tokens or filename")
    if isGiven, !filename.isEmpty { map.warn("filename", "the file wins over the token beside it") }
    for token in tokens where !HTTPField("x", token.reveal()).isValid {
      map.fail("token", "the token has a line break or another character that no header may hold")
    }
  }

  package var clientProblem: String? { nil }

  package func makeClient(id: String, userAgent: String, clock: any Clock) -> any ClientAuthenticator {
    if filename.isEmpty { return FixedCredentials([field(tokens.first?.reveal() ?? "")]) }
    return TokenFileAuthenticator(id: id, path: filename, field: field)
  }

  /// RFC 6750 2.1.
  private func field(_ token: String) -> HTTPField {
    HTTPField(header, scheme.isEmpty ? token : "\(scheme) \(token)")
  }
}
