// What is wrong with an authenticator, or with an exporter that names one.

import Config
import Testing

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
    "A mistake in an authenticator",
    arguments: [
      ("basicauth: ", "client_auth: no credential source provided; expected username and password"),
      ("basicauth: {client_auth: {password: p}}", "client_auth::username: is required"),
      (
        "basicauth: {client_auth: {username: u}, htpasswd: {file: f}}",
        "htpasswd: belongs to a receiver, and client_auth to an exporter: use two extensions"
      ),
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
