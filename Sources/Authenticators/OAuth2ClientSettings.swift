// What an OAuth 2.0 client needs to know, and the request that it makes of it.

internal import Bytes
package import Config
package import HTTPClient
internal import System

/// The code's form of one `oauth2client` extension.
package struct OAuth2ClientSettings: Sendable {
  package var clientID: CredentialSource
  package var clientSecret: CredentialSource
  package var tokenURL: String
  package var scopes: [String]
  /// Sent to the token endpoint besides: `audience` for example.
  package var parameters: [FormParameter]
  package var timeout: Duration
  /// A token is renewed so long before it expires; half its life when that is less.
  package var expiryBuffer: Duration
  package var client: HTTPClientSettings

  package init(
    clientID: CredentialSource, clientSecret: CredentialSource, tokenURL: String, scopes: [String] = [],
    parameters: [FormParameter] = [], timeout: Duration = .seconds(10), expiryBuffer: Duration = .seconds(300),
    client: HTTPClientSettings
  ) {
    self.clientID = clientID
    self.clientSecret = clientSecret
    self.tokenURL = tokenURL
    self.scopes = scopes
    self.parameters = parameters
    self.timeout = timeout
    self.expiryBuffer = expiryBuffer
    self.client = client
  }

  /// The body of a token request (RFC 6749 4.4.2): a form.
  ///
  /// - Parameter credentials: the client's id and secret, when they go into the body.
  func form(with credentials: (id: String, secret: String)?) -> Bytes {
    var fields = [("grant_type", "client_credentials")]
    if !scopes.isEmpty { fields.append(("scope", scopes.joined(separator: " "))) }
    if let credentials { fields += [("client_id", credentials.id), ("client_secret", credentials.secret)] }
    fields += parameters.map { ($0.name, $0.value.reveal()) }
    return Bytes(fields.map { "\($0.0.formEncoded)=\($0.1.formEncoded)" }.joined(separator: "&"))
  }
}

/// A text from the configuration, or from a file that is read each time.
package struct CredentialSource: Sendable {
  private let text: Secret
  private let file: String

  /// - Parameter file: wins unless it is empty.
  package init(text: Secret, file: String = "") {
    self.text = text
    self.file = file
  }

  /// The text without the white space at its end; empty when nothing is set.
  func read() throws(SystemError) -> String {
    guard !file.isEmpty else { return text.reveal() }
    var content = String(decoding: try SmallFile.read(file), as: UTF8.self)
    while content.last?.isWhitespace == true { content.removeLast() }
    return content
  }
}

extension String {
  /// The text as a form has it (application/x-www-form-urlencoded): a space is a plus sign.
  var formEncoded: String {
    var encoded = ""
    for byte in utf8 {
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."):
        encoded.unicodeScalars.append(Unicode.Scalar(byte))
      case 0x20: encoded += "+"
      default:
        encoded += byte < 16 ? "%0" : "%"
        encoded += String(byte, radix: 16, uppercase: true)
      }
    }
    return encoded
  }
}
