// Credentials from the configuration and from a file.

import Authenticators
import Config
import Glibc
import HTTPClient
import System
import Testing

private func read<Block: ConfigBlock>(_ text: String, as: Block.Type) throws -> Block {
  let diagnostics = ConfigDiagnostics()
  let document = try #require(ConfigDocument(Array(text.utf8), file: "t.yaml", diagnostics: diagnostics))
  var config = Block()
  NodeReader(document.root, path: "x", diagnostics: diagnostics).read(into: &config)
  #expect(diagnostics.errors.isEmpty)
  return config
}

private func client(_ config: some AuthenticatorConfig) -> any ClientAuthenticator {
  config.makeClient(id: "x", userAgent: "test", clock: ManualClock())
}

@Suite("Authenticators without a server")
struct FixedCredentialsTests {
  @Test("basicauth sends the user and the password as RFC 7617 has them")
  func basic() throws {
    let config = try read("client_auth: {username: Aladdin, password: open sesame}", as: BasicAuthConfig.self)
    #expect(try client(config).credentials() == [HTTPField("Authorization", "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==")])
    #expect(!client(config).renew([]))
  }

  @Test(
    "bearertokenauth sends its first token, with its scheme, in its header",
    arguments: [
      ("token: abc", "Authorization", "Bearer abc"), ("tokens: [one, two]", "Authorization", "Bearer one"),
      ("{token: abc, scheme: ''}", "Authorization", "abc"),
      ("{token: abc, scheme: Token, header: X-Key}", "X-Key", "Token abc"),
    ])
  func bearer(block: String, name: String, value: String) throws {
    let config = try read(block, as: BearerTokenAuthConfig.self)
    #expect(try client(config).credentials() == [HTTPField(name, value)])
  }

  @Test("A token file that changes is sent from the next request on; while it is away, what was read last is")
  func tokenFile() throws {
    let path = "/tmp/otlpd-token-\(getpid())-\(UInt64.random(in: 0...UInt64.max))"
    let authenticator = client(try read("filename: \(path)", as: BearerTokenAuthConfig.self))
    let missing = try #require(throws: AuthenticatorError.self) { try authenticator.credentials() }
    guard case .unavailable(let reason) = missing else { throw missing }
    #expect(reason.contains(path))
    defer { unsafe unlink(path) }
    try write("  first \nsecond line\n", to: path)
    let first = try authenticator.credentials()
    #expect(first == [HTTPField("Authorization", "Bearer first")])
    #expect(!authenticator.renew(first))
    try write("second", to: path)
    #expect(authenticator.renew(first))
    #expect(try authenticator.credentials() == [HTTPField("Authorization", "Bearer second")])
    unsafe unlink(path)
    #expect(try authenticator.credentials() == [HTTPField("Authorization", "Bearer second")])
    try write("\n", to: path)
    #expect(try authenticator.credentials() == [HTTPField("Authorization", "Bearer second")])
  }

  @Test("No secret of an authenticator is printed")
  func secrets() throws {
    let configs: [any AuthenticatorConfig] = [
      try read("client_auth: {username: u, password: s3cret}", as: BasicAuthConfig.self),
      try read("htpasswd: {inline: 's3cret'}", as: BasicAuthConfig.self),
      try read("tokens: [s3cret]", as: BearerTokenAuthConfig.self),
      try read(
        "{client_id: a, client_secret: s3cret, token_url: 'http://h', endpoint_params: {password: s3cret}}",
        as: OAuth2ClientConfig.self),
    ]
    for config in configs {
      var dumped = ""
      dump(config, to: &dumped)
      #expect(!"\(config)".contains("s3cret") && !dumped.contains("s3cret"))
    }
  }

  private func write(_ text: String, to path: String) throws {
    let file = unsafe fopen(path, "w")
    #expect(unsafe file != nil && fputs(text, file) >= 0 && fclose(file) == 0)
  }
}
