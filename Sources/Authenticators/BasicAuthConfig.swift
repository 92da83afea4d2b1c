// The file's form of HTTP Basic: a user and a password.

internal import Bytes
package import Config
package import HTTPClient
package import System

/// `extensions: basicauth:`.
package struct BasicAuthConfig: AuthenticatorConfig, Equatable {
  package static let type = "basicauth"

  /// What an exporter sends.
  package var client: Client?
  /// Whom a receiver lets in.
  package var server: Server?

  package init() {}

  package mutating func read(from map: MapReader) {
    map.read("client_auth", into: &client)
    map.read("htpasswd", into: &server)
    if server != nil { map.noteInert("htpasswd") }
    map.require(
      client != nil || server != nil, "client_auth", "no credential source provided; expected username and password")
    map.require(
      client == nil || server == nil, "htpasswd",
      "belongs to a receiver, and client_auth to an exporter: use two extensions")
  }

  package var clientProblem: String? { client == nil ? "has no client_auth" : nil }

  package func makeClient(id: String, userAgent: String, clock: any Clock) -> any ClientAuthenticator {
    FixedCredentials([Self.field(user: client?.username ?? "", password: client?.password.reveal() ?? "")])
  }

  /// RFC 7617 2: base64 of the user, a colon and the password, in UTF-8.
  package static func field(user: String, password: String) -> HTTPField {
    HTTPField("Authorization", "Basic \(Bytes("\(user):\(password)").base64)")
  }

  /// `client_auth:`.
  package struct Client: ConfigBlock, Equatable, Sendable {
    package var username = ""
    package var password = Secret("")

    package init() {}

    package mutating func read(from map: MapReader) {
      map.read("username", into: &username)
      map.read("password", into: &password)
      map.require(!username.isEmpty, "username", "is required")
      map.require(!username.contains(":"), "username", "must not contain a colon")
    }
  }

  /// `htpasswd:`.
  package struct Server: ConfigBlock, Equatable, Sendable {
    package var file = ""
    package var inline = Secret("")

    package init() {}

    package mutating func read(from map: MapReader) {
      map.read("file", into: &file)
      map.read("inline", into: &inline)
    }
  }
}
