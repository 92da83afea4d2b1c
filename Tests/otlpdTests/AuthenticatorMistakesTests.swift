// What is wrong with an authenticator, or with an exporter that names one.

import Authenticators
import Config
import Testing
import otlpd

@Suite struct AuthenticatorMistakesTests {
  @Test(
    "An exporter's authenticator is one that is built in, configured, started, and meant for exporters",
    arguments: [
      ("", "[]", #"authenticator "x/y" is not configured; add it to `extensions`"#),
      (
        "bearertokenauth/b: {token: t}", "[]",
        #"authenticator "bearertokenauth/b" is not started; add it to `service: extensions`"#
      ),
      ("basicauth/b: {htpasswd: {inline: 'u:p'}}", "[basicauth/b]", #"authenticator "basicauth/b" has no client_auth"#),
      (
        "oidc/b: {}", "[oidc/b]",
        #"authenticator "oidc/b" cannot be used: it is no authenticator that is built into otlpd, and sending "#
          + "without credentials would be refused by the other side; available: basicauth, bearertokenauth, "
          + "oauth2client"
      ),
    ])
  func authenticator(block: String, started: String, message: String) {
    let id = block.isEmpty ? "x/y" : String(block.prefix { $0 != ":" })
    let text = """
      extensions: {\(block)}
      receivers: {otlp: {protocols: {http: }}}
      exporters: {otlp_http: {endpoint: 'http://a', auth: {authenticator: \(id)}}}
      service: {extensions: \(started), pipelines: {traces: {receivers: [otlp], exporters: [otlp_http]}}}
      """
    #expect(ConfigFixture(text).errors == ["t.yaml:3:13: exporters::otlp_http::auth: \(message)"])
  }

  @Test(
    "A receiver's authenticator is one that is configured, started, and meant for receivers",
    arguments: [
      ("", "[]", #"authenticator "x/y" is not configured; add it to `extensions`"#),
      (
        "bearertokenauth/b: {token: t}", "[]",
        #"authenticator "bearertokenauth/b" is not started; add it to `service: extensions`"#
      ),
      (
        "basicauth/b: {client_auth: {username: u}}", "[basicauth/b]",
        #"authenticator "basicauth/b" has no htpasswd"#
      ),
      (
        "oauth2client/b: {client_id: i, client_secret: s, token_url: 'http://t'}", "[oauth2client/b]",
        #"authenticator "oauth2client/b" is for exporters; receivers take basicauth and bearertokenauth"#
      ),
      (
        "oidc/b: {}", "[oidc/b]",
        #"authenticator "oidc/b" cannot be used: it is no authenticator that is built into otlpd, and taking "#
          + "requests from anybody instead would be unsafe; available: basicauth, bearertokenauth, oauth2client"
      ),
    ])
  func receiver(block: String, started: String, message: String) {
    let id = block.isEmpty ? "x/y" : String(block.prefix { $0 != ":" })
    for protocolName in ["http", "grpc"] {
      let text = """
        extensions: {\(block)}
        receivers: {otlp: {protocols: {\(protocolName): {auth: {authenticator: \(id)}}}}}
        exporters: {nop: }
        service: {extensions: \(started), pipelines: {traces: {receivers: [otlp], exporters: [nop]}}}
        """
      #expect(
        ConfigFixture(text).errors == ["t.yaml:2:13: receivers::otlp::protocols::\(protocolName)::auth: \(message)"])
    }
  }

  @Test("Relative names of files with secrets lead to the service manager's credentials")
  func credentials() throws {
    let text = ConfigFixture.text(
      extra: """
        extensions:
          bearertokenauth: {filename: tokens}
          bearertokenauth/b: {filename: /etc/tokens}
          basicauth: {htpasswd: {file: users}}
        """)
    let config = try #require(ConfigFixture(text, environment: ["CREDENTIALS_DIRECTORY": "/run/c"]).config)
    let bearer = config.authenticators[ComponentID(type: "bearertokenauth")] as? BearerTokenAuthConfig
    #expect(bearer?.filename == "/run/c/tokens")
    let other = config.authenticators[ComponentID(type: "bearertokenauth", name: "b")] as? BearerTokenAuthConfig
    #expect(other?.filename == "/etc/tokens")
    let basic = config.authenticators[ComponentID(type: "basicauth")] as? BasicAuthConfig
    #expect(basic?.server?.file == "/run/c/users")
  }

  @Test(
    "A mistake in an authenticator",
    arguments: [
      ("basicauth: ", "client_auth: no credential source provided; expected username and password"),
      ("basicauth: {client_auth: {password: p}}", "client_auth::username: is required"),
      (
        "basicauth: {client_auth: {username: u}, htpasswd: {file: f}}",
        "htpasswd: belongs to a receiver, and client_auth to an exporter: use two extensions"
      ),
      ("basicauth: {htpasswd: {}}", "htpasswd::file: no users provided; set file or inline"),
      ("bearertokenauth: ", "token: no bearer token provided; set token, tokens or filename"),
      (
        "bearertokenauth: {token: a, tokens: [b]}",
        "tokens: either tokens or token should be set, not both"
      ),
      (
        #"bearertokenauth: {token: "s3cr\net"}"#,
        "token: the token has a line break or another character that no header may hold"
      ),
      ("bearertokenauth: {token: a, header: 'x y'}", #"header: "x y" is no name of an HTTP header"#),
      ("oauth2client: {token_url: 'id.example/token'}", "token_url: must begin with http:// or https://"),
    ])
  func authenticators(block: String, message: String) {
    let type = block.prefix { $0 != ":" }
    let errors = ConfigFixture(ConfigFixture.text(extra: "extensions: {\(block)}")).errors
    #expect(errors.count == 1 && errors.first?.hasSuffix(" extensions::\(type)::\(message)") == true, "\(errors)")
    #expect(!errors.contains { $0.contains("s3cr") })
  }
}
