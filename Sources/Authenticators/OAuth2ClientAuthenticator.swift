// OAuth 2.0 client credentials: fetches a token, keeps it while it lasts, and gets another when it is refused.

internal import Bytes
package import HTTPClient
internal import OTLP
package import System

/// One token for all threads: whoever needs one first fetches it, and the others wait for that.
package final class OAuth2ClientAuthenticator: ClientAuthenticator {
  private struct Token {
    let field: HTTPField
    /// Nil: it lasts until it is refused.
    let expiry: Instant?
  }

  private struct State {
    var token: Token?
    var isFetching = false
    /// What the last attempt came to, for those who ask shortly after.
    var failure: (error: AuthenticatorError, until: Instant)?
    /// RFC 6749 2.3.1: servers must take the credentials as HTTP Basic, and may take them in the body.
    var sendsCredentialsInBody = false
  }

  private enum Turn {
    case use(HTTPField)
    case fail(AuthenticatorError)
    case fetch(inBody: Bool)
  }

  /// A token endpoint that failed is left alone for that long.
  private static let pause = Duration.seconds(1)

  private let id: String
  private let settings: OAuth2ClientSettings
  private let clock: any Clock
  private let interruption = Interruption()
  private let state = Lock(State())

  package init(id: String, settings: OAuth2ClientSettings, clock: any Clock) {
    self.id = id
    self.settings = settings
    self.clock = clock
  }

  package func interrupt() { interruption.interrupt() }

  package func credentials() throws(AuthenticatorError) -> [HTTPField] {
    guard !settings.tokenURL.isEmpty else {
      throw .misconfigured("\(id): token_url is empty. Set it; what is to be sent waits in the journal.")
    }
    // A fetch ends by itself, so this wait does.
    let turn = state.wait(until: nil) { state in self.turn(&state) }
    switch turn {
    case .use(let field): return [field]
    case .fail(let error): throw error
    case .fetch(let inBody): return [try fetch(inBody: inBody)]
    case nil: throw .unavailable("\(id): no token")
    }
  }

  /// What a thread does now; nil while another one fetches.
  private func turn(_ state: inout State) -> Turn? {
    let now = clock.monotonic
    if let token = state.token, token.expiry.map({ now < $0 }) ?? true { return .use(token.field) }
    if state.isFetching { return nil }
    if let failure = state.failure, now < failure.until { return .fail(failure.error) }
    state.isFetching = true
    return .fetch(inBody: state.sendsCredentialsInBody)
  }

  /// The token that was refused is forgotten, unless another thread has replaced it already.
  package func renew(_ refused: [HTTPField]) -> Bool {
    state.withLock { state in
      if let token = state.token, refused.contains(token.field) { state.token = nil }
    }
    return true
  }

  private func fetch(inBody: Bool) throws(AuthenticatorError) -> HTTPField {
    let result: Result<Token, AuthenticatorError>
    var wasInBody = inBody
    do throws(AuthenticatorError) {
      let client = try client()
      var response = try ask(client, inBody: inBody)
      if !inBody, response.status == 400 || response.status == 401 {
        // As many clients do: a server that does not take HTTP Basic may take the same in the body.
        let second = try ask(client, inBody: true)
        if second.status == 200 { (response, wasInBody) = (second, true) }
      }
      result = .success(try token(in: response))
    } catch {
      result = .failure(error)
    }
    let until = clock.monotonic + Self.pause
    state.withLock { state in
      state.isFetching = false
      state.sendsCredentialsInBody = wasInBody
      switch result {
      case .success(let token): (state.token, state.failure) = (token, nil)
      case .failure(let error): (state.token, state.failure) = (nil, (error, until))
      }
    }
    state.wakeAll()
    return try result.get().field
  }

  /// A client for one fetch: tokens last for minutes, and a kept connection would not.
  private func client() throws(AuthenticatorError) -> HTTPClient {
    do throws(HTTPClientError) {
      return try HTTPClient(settings: settings.client, interruption: interruption)
    } catch {
      throw .misconfigured("\(id): \(error)")
    }
  }

  private func ask(_ client: HTTPClient, inBody: Bool) throws(AuthenticatorError) -> HTTPClientResponse {
    let (name, secret) = try identity()
    var fields = [
      HTTPField("Content-Type", "application/x-www-form-urlencoded"), HTTPField("Accept", "application/json"),
    ]
    // RFC 6749 2.3.1: both are form-encoded before they become HTTP Basic.
    if !inBody { fields.append(BasicAuthConfig.field(user: name.formEncoded, password: secret.formEncoded)) }
    let form = settings.form(with: inBody ? (name, secret) : nil)
    do throws(HTTPClientError) {
      return try client.post(url: settings.tokenURL, headers: fields, body: form, timeout: settings.timeout)
    } catch {
      throw .unavailable("\(id): no token from the token_url: \(error)")
    }
  }

  private func identity() throws(AuthenticatorError) -> (name: String, secret: String) {
    let identity: (name: String, secret: String)
    do throws(SystemError) {
      identity = (try settings.clientID.read(), try settings.clientSecret.read())
    } catch {
      throw .unavailable("\(id): \(error)")
    }
    guard !identity.name.isEmpty else { throw .misconfigured("\(id): client_id is empty. Set it.") }
    return identity
  }

  /// RFC 6749 5.1 and 5.2.
  private func token(in response: HTTPClientResponse) throws(AuthenticatorError) -> Token {
    let members = response.body.scalarJSONMembers ?? [:]
    guard response.status == 200 else {
      let said = [members["error"], members["error_description"]].compactMap(\.self).joined(separator: ": ")
      let problem = "\(id): the token_url answered \(response.status)" + (said.isEmpty ? "" : ": \(said)")
      if response.status == 429 || response.status >= 500 { throw .unavailable(problem) }
      throw .misconfigured(problem + ". Check client_id, client_secret, scopes and endpoint_params.")
    }
    guard let text = members["access_token"], !text.isEmpty else {
      throw .misconfigured("\(id): the token_url answered without an access_token. Check token_url.")
    }
    // RFC 6749 7.1: the type says how the token is sent. Servers write "bearer" in any case.
    let type = members["token_type"] ?? "Bearer"
    let field = HTTPField("Authorization", "\(type.lowercased() == "bearer" ? "Bearer" : type) \(text)")
    guard field.isValid else { throw .misconfigured("\(id): the token cannot be sent in a header") }
    let life = members["expires_in"].flatMap { Int64($0) }.map { Duration.seconds(min(max($0, 0), 1 << 31)) }
    let expiry = life.map { clock.monotonic + ($0 - min(settings.expiryBuffer, $0 / 2)) }
    return Token(field: field, expiry: expiry)
  }
}
