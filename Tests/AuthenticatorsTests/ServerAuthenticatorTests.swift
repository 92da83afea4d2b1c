// What lets clients in: tokens and passwords.

import Authenticators
import Config
import Glibc
import System
import Testing

private func server<Config: AuthenticatorConfig>(
  _ text: String, _ type: Config.Type, clock: any Clock = ManualClock(), report: @escaping CredentialReport = { _ in }
) throws -> any ServerAuthenticator {
  let diagnostics = ConfigDiagnostics()
  let document = try #require(ConfigDocument(Array(text.utf8), file: "t.yaml", diagnostics: diagnostics))
  var config = Config()
  NodeReader(document.root, path: "", diagnostics: diagnostics).read(into: &config)
  #expect(diagnostics.errors.isEmpty && config.serverProblem == nil)
  return try config.makeServer(id: "x", clock: clock, report: report)
}

/// `accepted NAME`, or why not; waits for what takes long.
private func verdict(_ authenticator: any ServerAuthenticator, _ value: String?, header: String = "Authorization")
  -> String
{
  let first = authenticator.check { $0.lowercased() == header.lowercased() ? value : nil }
  guard case .undecided(let decide) = first else { return words(first) }
  let answer = Lock<String?>(nil)
  decide { verdict in
    answer.withLock { $0 = words(verdict) }
    answer.wakeAll()
  }
  return answer.wait(until: nil) { $0 } ?? ""
}

private func words(_ verdict: CredentialVerdict) -> String {
  switch verdict {
  case .accepted(let name): "accepted \(name)"
  case .rejected(let problem): problem.reason.rawValue
  case .undecided: "undecided"
  }
}

private func write(_ text: String, to path: String) throws {
  let file = unsafe fopen(path, "w")
  #expect(unsafe file != nil && fputs(text, file) >= 0 && fclose(file) == 0)
}

@Suite struct ServerAuthenticatorTests {
  @Test(
    "A bearer token is one of those that are named, behind its scheme",
    arguments: [
      ("Bearer one", "accepted 1"), ("bearer one", "accepted 1"), ("BEARER   one", "accepted 1"),
      ("Bearer two", "accepted shop"), ("Bearer three", "wrong"), ("Bearer on", "wrong"), ("Bearer onee", "wrong"),
      ("Bearer", "wrong"), ("Bearer ", "wrong"), ("one", "wrong"), ("Basic one", "wrong"), ("", "missing"),
      (nil, "missing"),
    ] as [(String?, String)])
  func tokens(value: String?, expected: String) throws {
    let authenticator = try server(
      "tokens: [one, {name: shop, token: two}]", BearerTokenAuthConfig.self)
    #expect(verdict(authenticator, value) == expected)
  }

  @Test("A token may stand bare in another header")
  func otherHeader() throws {
    let authenticator = try server("{token: s3cret, header: X-API-Key, scheme: ''}", BearerTokenAuthConfig.self)
    #expect(verdict(authenticator, "s3cret", header: "x-api-key") == "accepted 1")
    #expect(verdict(authenticator, "s3cret") == "missing")
  }

  @Test("An empty token in a list lets nobody in")
  func emptyToken() throws {
    let authenticator = try server("tokens: ['', one]", BearerTokenAuthConfig.self)
    #expect(verdict(authenticator, "Bearer ") == "wrong")
    #expect(verdict(authenticator, "Bearer one") == "accepted 2")
  }

  @Test("Tokens of a file are read again when it changes, and stay while it cannot be read")
  func file() throws {
    let path = "/tmp/otlpd-tokens-\(getpid())-\(UInt64.random(in: 0...UInt64.max))"
    defer { unsafe unlink(path) }
    try write("# of the shop\none shop\n\ntwo\n", to: path)
    let clock = ManualClock()
    let news = Lock<[String]>([])
    let authenticator = try server(
      "filename: \(path)", BearerTokenAuthConfig.self, clock: clock,
      report: { text in news.withLock { $0.append(text) } })
    #expect(verdict(authenticator, "Bearer one") == "accepted shop")
    #expect(verdict(authenticator, "Bearer two") == "accepted 2")
    try write("three lab\n", to: path)
    #expect(verdict(authenticator, "Bearer three") == "wrong", "it looks once a second")
    clock.advance(by: .seconds(1))
    #expect(verdict(authenticator, "Bearer three") == "accepted lab")
    #expect(verdict(authenticator, "Bearer one") == "wrong")
    unsafe unlink(path)
    clock.advance(by: .seconds(1))
    #expect(verdict(authenticator, "Bearer three") == "accepted lab")
    #expect(news.withLock { $0.count } == 2)
    #expect(news.withLock { news in news.allSatisfy { !$0.contains("three") } })
  }

  @Test("A file that cannot be read at the start is a mistake")
  func noFile() throws {
    #expect(throws: AuthenticatorError.self) {
      _ = try server("filename: /nonexistent/tokens", BearerTokenAuthConfig.self)
    }
  }

  @Test(
    "A password is checked against the user's hash, or is the text itself",
    arguments: [
      ("Basic YWxpY2U6czNjcmV0", "accepted alice"), ("basic YWxpY2U6czNjcmV0", "accepted alice"),
      ("Basic YWxpY2U6d3Jvbmc=", "wrong"), ("Basic Ym9iOnBsOmFpbg==", "accepted bob"), ("Basic Ym9iOng=", "wrong"),
      ("Basic bm9ib2R5OnMzY3JldA==", "wrong"), ("Basic ***", "wrong"), ("Basic YWxpY2U=", "wrong"),
      ("Bearer YWxpY2U6czNjcmV0", "wrong"), (nil, "missing"),
    ] as [(String?, String)])
  func passwords(value: String?, expected: String) throws {
    let authenticator = try server(
      """
      htpasswd:
        inline: |
          # users
          alice:$2y$04$abcdefghijklmnopqrstuuLZYjhNQAOdpbzt4WxWlUHjv1wsyH5DG
          bob:pl:ain
          carol:{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=
      """, BasicAuthConfig.self)
    try authenticator.start()
    defer { authenticator.stop(deciding: false) }
    // The second time a right password is known already.
    #expect(verdict(authenticator, value) == expected)
    #expect(verdict(authenticator, value) == expected)
  }

  @Test("A right password is known the second time, and nobody waits")
  func cache() throws {
    let hash = "$2y$04$abcdefghijklmnopqrstuuLZYjhNQAOdpbzt4WxWlUHjv1wsyH5DG"
    let authenticator = try server("htpasswd: {inline: 'alice:\(hash)'}", BasicAuthConfig.self)
    try authenticator.start()
    defer { authenticator.stop(deciding: false) }
    let field: (String) -> String? = { _ in "Basic YWxpY2U6czNjcmV0" }
    #expect(words(authenticator.check(field)) == "undecided")
    #expect(verdict(authenticator, "Basic YWxpY2U6czNjcmV0") == "accepted alice")
    #expect(words(authenticator.check(field)) == "accepted alice")
  }

  @Test("Too many passwords at once are not checked")
  func busy() throws {
    let hash = "$2y$04$abcdefghijklmnopqrstuuLZYjhNQAOdpbzt4WxWlUHjv1wsyH5DG"
    // Not started, so that nothing is ever checked.
    let authenticator = try server("htpasswd: {inline: 'alice:\(hash)'}", BasicAuthConfig.self)
    let answers = Lock<[String]>([])
    for _ in 0..<70 {
      guard case .undecided(let decide) = authenticator.check({ _ in "Basic YWxpY2U6czNjcmV0" }) else { continue }
      decide { verdict in answers.withLock { $0.append(words(verdict)) } }
    }
    #expect(answers.withLock { $0 } == Array(repeating: "busy", count: 6))
  }

  @Test("Relative names lead to the service manager's credentials, if there are some")
  func credentialsDirectory() {
    let environment = ["CREDENTIALS_DIRECTORY": "/run/credentials/otlpd.service"]
    #expect(CredentialPath.complete("token", environment: environment) == "/run/credentials/otlpd.service/token")
    for (name, environment) in [("/etc/token", environment), ("", environment), ("token", [:])] {
      #expect(CredentialPath.complete(name, environment: environment) == name)
    }
  }

  @Test("Nothing that is printed of a configuration has a secret in it")
  func secrecy() throws {
    let config = BearerTokenAuthConfig.self
    var block = config.init()
    block.tokens = [NamedToken(name: "shop", token: Secret("hunter2"))]
    var dumped = "\(block) \(String(reflecting: block))"
    dump(block, to: &dumped)
    #expect(!dumped.contains("hunter2") && dumped.contains("shop"))
  }
}
