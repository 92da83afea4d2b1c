// Tokens from a token endpoint that answers as servers do, with a clock that is moved by hand.

import Authenticators
import Config
import HTTPClient
import LoopbackServer
import System
import Testing

@Suite("OAuth2ClientAuthenticator")
struct OAuth2ClientTests {
  private static func answer(_ status: Int, _ body: String) -> ScriptedServer.Step {
    // The server takes one connection after the other.
    .answerAndClose(
      "HTTP/1.1 \(status) S\r\nContent-Type: application/json\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)")
  }

  private static func token(_ name: String, _ rest: String = #","expires_in":3600"#) -> ScriptedServer.Step {
    answer(200, #"{"access_token":"\#(name)","token_type":"bearer"\#(rest)}"#)
  }

  private func ask(
    _ steps: [ScriptedServer.Step], _ change: (inout OAuth2ClientSettings) -> Void = { _ in },
    _ body: (OAuth2ClientAuthenticator, ScriptedServer, ManualClock) throws -> Void
  ) throws {
    let server = try ScriptedServer(steps)
    defer { server.stop() }
    var settings = OAuth2ClientSettings(
      clientID: CredentialSource(text: Secret("the id")), clientSecret: CredentialSource(text: Secret("s:cret")),
      tokenURL: server.url + "/token", client: HTTPClientSettings(userAgent: "test"))
    change(&settings)
    let clock = ManualClock()
    try body(OAuth2ClientAuthenticator(id: "oauth2client", settings: settings, clock: clock), server, clock)
  }

  private func expect(_ authenticator: OAuth2ClientAuthenticator, _ token: String) throws {
    let credentials = try authenticator.credentials()
    #expect(credentials == field(token))
  }

  private func field(_ token: String) -> [HTTPField] { [HTTPField("Authorization", "Bearer \(token)")] }

  @Test("The request is the form of RFC 6749, with the credentials as HTTP Basic")
  func request() throws {
    let change = { (settings: inout OAuth2ClientSettings) in
      settings.scopes = ["a", "b/c"]
      settings.parameters = [FormParameter(name: "audience", value: Secret("x&y"))]
    }
    try ask([Self.token("T")], change) { authenticator, server, _ in
      try expect(authenticator, "T")
      let request = server.requests[0]
      #expect(request.head.hasPrefix("POST /token HTTP/1.1\r\n"))
      #expect(request.head.contains("\r\nContent-Type: application/x-www-form-urlencoded\r\n"))
      // base64 of the+id:s%3Acret
      #expect(request.head.contains("\r\nAuthorization: Basic dGhlK2lkOnMlM0FjcmV0\r\n"))
      let body = String(decoding: request.body, as: UTF8.self)
      #expect(body == "grant_type=client_credentials&scope=a+b%2Fc&audience=x%26y")
    }
  }

  @Test("A token is kept until the buffer before its end, and then replaced")
  func expiry() throws {
    try ask([Self.token("A"), Self.token("B")]) { authenticator, server, clock in
      try expect(authenticator, "A")
      clock.advance(by: .seconds(3299))
      try expect(authenticator, "A")
      #expect(server.requests.count == 1)
      clock.advance(by: .seconds(1))
      try expect(authenticator, "B")
    }
  }

  @Test("A token that lives no longer than the buffer is kept for half its life")
  func shortLife() throws {
    try ask([Self.token("A", #","expires_in":"60""#), Self.token("B")]) { authenticator, _, clock in
      try expect(authenticator, "A")
      clock.advance(by: .seconds(29))
      try expect(authenticator, "A")
      clock.advance(by: .seconds(1))
      try expect(authenticator, "B")
    }
  }

  @Test("A token without an end lasts until it is refused; a refusal of an older one costs no new fetch")
  func renewal() throws {
    try ask([Self.token("A", ""), Self.token("B", "")]) { authenticator, server, clock in
      try expect(authenticator, "A")
      clock.advance(by: .seconds(1_000_000))
      try expect(authenticator, "A")
      #expect(authenticator.renew(field("A")))
      try expect(authenticator, "B")
      #expect(authenticator.renew(field("A")))
      try expect(authenticator, "B")
      #expect(server.requests.count == 2)
    }
  }

  @Test("A server that does not take HTTP Basic gets the credentials in the body, from then on at once")
  func credentialsInBody() throws {
    let steps = [Self.answer(401, "{}"), Self.token("A", ""), Self.token("B", "")]
    try ask(steps) { authenticator, server, _ in
      try expect(authenticator, "A")
      _ = authenticator.renew(field("A"))
      try expect(authenticator, "B")
      for request in server.requests.suffix(2) {
        #expect(!request.head.contains("Authorization:"))
        let body = String(decoding: request.body, as: UTF8.self)
        #expect(body == "grant_type=client_credentials&client_id=the+id&client_secret=s%3Acret")
      }
    }
  }

  @Test("What the server says is told without the secret, and the next thread does not ask it again at once")
  func refused() throws {
    let body = #"{"error":"invalid_client","error_description":"who?"}"#
    let steps = [Self.answer(400, body), Self.answer(400, body), Self.token("A")]
    try ask(steps) { authenticator, server, clock in
      for _ in 0..<2 {
        let error = try #require(throws: AuthenticatorError.self) { try authenticator.credentials() }
        guard case .misconfigured(let reason) = error else { throw error }
        #expect(reason.contains("answered 400: invalid_client: who?") && !reason.contains("cret."))
      }
      #expect(server.requests.count == 2)
      clock.advance(by: .seconds(1))
      try expect(authenticator, "A")
    }
  }

  @Test("A server that is down or overloaded may answer later; one that answers nonsense is the wrong one")
  func failures() throws {
    let steps = [Self.answer(503, "busy"), .hangUp, Self.answer(200, "<html>"), Self.answer(200, "{}")]
    try ask(steps) { authenticator, _, clock in
      for isPassing in [true, true, false, false] {
        let error = try #require(throws: AuthenticatorError.self) { try authenticator.credentials() }
        switch error {
        case .unavailable: #expect(isPassing)
        case .misconfigured: #expect(!isPassing)
        }
        clock.advance(by: .seconds(1))
      }
    }
  }

  @Test("Without a token_url nothing is asked, and the reason says what to set")
  func noURL() throws {
    try ask([], { $0.tokenURL = "" }) { authenticator, _, _ in
      let error = try #require(throws: AuthenticatorError.self) { try authenticator.credentials() }
      guard case .misconfigured(let reason) = error else { throw error }
      #expect(reason.hasPrefix("oauth2client: token_url is empty."))
    }
  }

  @Test("Many threads that need a token at once cause one fetch")
  func threads() throws {
    try ask([Self.token("A")]) { authenticator, server, _ in
      let found = Lock<[[HTTPField]]>([])
      let threads = try (0..<8).map { _ in
        try Thread(name: "sender") {
          if let fields = try? authenticator.credentials() { found.withLock { $0.append(fields) } }
        }
      }
      for thread in threads { thread.join() }
      #expect(found.withLock { $0 } == Array(repeating: field("A"), count: 8))
      #expect(server.requests.count == 1)
    }
  }
}
