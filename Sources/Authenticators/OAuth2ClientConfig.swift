// The file's form of OAuth 2.0 client credentials.

package import Config
internal import HTTPClient
package import System

/// `extensions: oauth2client:`.
package struct OAuth2ClientConfig: AuthenticatorConfig, Equatable {
  package static let type = "oauth2client"

  package var clientID = ""
  package var clientIDFile = ""
  package var clientSecret = Secret("")
  package var clientSecretFile = ""
  package var tokenURL = ""
  package var scopes: [String] = []
  package var endpointParameters = FormParameters()
  package var timeout = Duration.zero
  package var expiryBuffer = Duration.seconds(300)
  package var tls = TLSClientConfig()

  package init() {}

  package mutating func read(from map: MapReader) {
    map.read("client_id", into: &clientID)
    map.read("client_id_file", into: &clientIDFile)
    map.read("client_secret", into: &clientSecret)
    map.read("client_secret_file", into: &clientSecretFile)
    map.read("token_url", into: &tokenURL)
    map.read("scopes", into: &scopes)
    map.read("endpoint_params", into: &endpointParameters)
    map.read("timeout", into: &timeout)
    map.read("expiry_buffer", into: &expiryBuffer)
    map.read("tls", into: &tls)
    // What is empty may come from a variable that is not set yet: telemetry waits for it, and the daemon starts.
    for (key, isMissing) in [
      ("client_id", clientID.isEmpty && clientIDFile.isEmpty),
      ("client_secret", clientSecret.reveal().isEmpty && clientSecretFile.isEmpty), ("token_url", tokenURL.isEmpty),
    ] where isMissing {
      map.warn(key, "is empty: what is sent with these credentials waits in the journal until it is set")
    }
    let isURL = ["http://", "https://"].contains { tokenURL.lowercased().hasPrefix($0) }
    map.require(tokenURL.isEmpty || isURL, "token_url", "must begin with http:// or https://")
  }

  package var clientProblem: String? { nil }

  package var serverProblem: String? { "is for exporters; receivers take basicauth and bearertokenauth" }

  package func makeServer(
    id: String, clock: any Clock, report: @escaping CredentialReport
  ) throws(AuthenticatorError) -> any ServerAuthenticator {
    throw .misconfigured("\(id) \(serverProblem ?? "")")
  }

  package mutating func completePaths(_ complete: (String) -> String) {
    clientIDFile = complete(clientIDFile)
    clientSecretFile = complete(clientSecretFile)
  }

  package func makeClient(id: String, userAgent: String, clock: any Clock) -> any ClientAuthenticator {
    var client = HTTPClientSettings(userAgent: userAgent)
    client.tls = tls.settings
    client.responseBytesMax = 1 << 20
    let settings = OAuth2ClientSettings(
      clientID: CredentialSource(text: Secret(clientID), file: clientIDFile),
      clientSecret: CredentialSource(text: clientSecret, file: clientSecretFile),
      tokenURL: tokenURL, scopes: scopes, parameters: endpointParameters.pairs,
      timeout: timeout > .zero ? timeout : .seconds(10), expiryBuffer: expiryBuffer, client: client)
    return OAuth2ClientAuthenticator(id: id, settings: settings, clock: clock)
  }
}

/// `endpoint_params:`: a mapping of texts, or of lists of texts.
package struct FormParameters: ConfigValue, Equatable, Sendable {
  package var pairs: [FormParameter] = []

  package init() {}

  package static func decode(_ reader: NodeReader) -> FormParameters? {
    var parameters = FormParameters()
    for entry in reader.entries() ?? [] {
      var values: [NodeReader] = [entry.value]
      if case .list = entry.value.node.content { values = entry.value.items() ?? [] }
      for value in values {
        guard let secret = Secret.decode(value) else { continue }
        parameters.pairs.append(FormParameter(name: entry.name, value: secret))
      }
    }
    return parameters
  }
}

/// One field of a form.
package struct FormParameter: Equatable, Sendable {
  package let name: String
  package let value: Secret

  package init(name: String, value: Secret) {
    self.name = name
    self.value = value
  }
}
