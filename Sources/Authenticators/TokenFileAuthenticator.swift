// A bearer token in a file that somebody else renews.

package import HTTPClient
internal import System

/// Reads the token for every request: a file that is replaced takes effect at once, and that costs 10 us.
package final class TokenFileAuthenticator: ClientAuthenticator {
  private let id: String
  private let path: String
  private let field: @Sendable (String) -> HTTPField
  /// What was read last: better than nothing while the file is being replaced.
  private let last = Lock<String?>(nil)

  package init(id: String, path: String, field: @escaping @Sendable (String) -> HTTPField) {
    self.id = id
    self.path = path
    self.field = field
  }

  package func credentials() throws(AuthenticatorError) -> [HTTPField] {
    let problem: String
    do throws(SystemError) {
      let text = String(decoding: try SmallFile.read(path), as: UTF8.self)
      if let token = text.split(whereSeparator: \.isNewline).first?.trimmed, !token.isEmpty {
        last.withLock { $0 = token }
        return [field(token)]
      }
      problem = "\(path) is empty"
    } catch {
      problem = "\(error)"
    }
    if let token = last.withLock({ $0 }) { return [field(token)] }
    throw .unavailable("\(id): \(problem). Write the token into the file's first line.")
  }

  /// The file may have changed since the request began.
  package func renew(_ refused: [HTTPField]) -> Bool { (try? credentials()) != refused }
}

extension Substring {
  /// The text without the spaces and tabs around it.
  fileprivate var trimmed: String {
    var text = drop { $0 == " " || $0 == "\t" }
    while text.last == " " || text.last == "\t" { text.removeLast() }
    return String(text)
  }
}
