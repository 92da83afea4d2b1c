// What web pages of other origins may do with a server.

internal import Bytes

/// The fields of cross-origin resource sharing (Fetch standard, section "HTTP-responses"), as the Collector sends them.
///
/// Credentials are always allowed. A page that is not allowed gets an answer without these fields, and its browser
/// keeps the answer from it.
package struct CORS: Sendable, Equatable {
  /// `https://app.example`, `https://*.example` or `*`; a letter's case does not matter.
  private let origins: [String]
  /// In lower case; `*` for all.
  private let headers: [String]
  private let exposedHeaders: [String]
  /// How many seconds a browser remembers the answer to a preflight; 0 leaves it to the browser.
  private let maxAge: Int

  private static let methods = ["GET", "POST", "HEAD"]
  static let preflightAnswer = HTTPResponse(status: 204, contentType: "", body: Bytes())

  /// - Parameter headers: besides those that a page may always send; none means `X-Requested-With`.
  package init(origins: [String], headers: [String], exposedHeaders: [String], maxAge: Int) {
    self.origins = origins.map { $0.lowercased() }
    let always = ["accept", "accept-language", "content-type", "content-language", "origin"]
    self.headers = always + (headers.isEmpty ? ["x-requested-with"] : headers.map { $0.lowercased() })
    self.exposedHeaders = exposedHeaders
    self.maxAge = maxAge
  }

  /// Whether a browser asks what it may send.
  func isPreflight(_ request: HTTPRequest) -> Bool {
    request.method == .options && request.header("access-control-request-method") != nil
  }

  /// What the answer to a request says in addition.
  package func fields(for request: HTTPRequest) -> [HTTPHeader] {
    if request.method == .options, let wanted = request.header("access-control-request-method") {
      return preflight(wanted, request)
    }
    guard let origin = allowed(request.header("origin")) else { return [HTTPHeader("Vary", "Origin")] }
    var fields = [HTTPHeader("Vary", "Origin"), HTTPHeader("Access-Control-Allow-Origin", origin)]
    if !exposedHeaders.isEmpty {
      fields.append(HTTPHeader("Access-Control-Expose-Headers", exposedHeaders.joined(separator: ", ")))
    }
    fields.append(HTTPHeader("Access-Control-Allow-Credentials", "true"))
    return fields
  }

  private func preflight(_ method: String, _ request: HTTPRequest) -> [HTTPHeader] {
    var fields = [
      HTTPHeader("Vary", "Origin, Access-Control-Request-Method, Access-Control-Request-Headers")
    ]
    let wanted = request.header("access-control-request-headers") ?? ""
    guard let origin = allowed(request.header("origin")), CORS.methods.contains(method), allows(headers: wanted) else {
      return fields
    }
    fields.append(HTTPHeader("Access-Control-Allow-Origin", origin))
    fields.append(HTTPHeader("Access-Control-Allow-Methods", method))
    if !wanted.isEmpty { fields.append(HTTPHeader("Access-Control-Allow-Headers", wanted)) }
    fields.append(HTTPHeader("Access-Control-Allow-Credentials", "true"))
    if maxAge > 0 { fields.append(HTTPHeader("Access-Control-Max-Age", String(maxAge))) }
    return fields
  }

  /// What to say to a page of this origin; nil when it is not allowed.
  private func allowed(_ origin: String?) -> String? {
    guard let origin else { return nil }
    if origins.contains("*") { return "*" }
    return origins.contains { CORS.matches(origin.lowercased(), $0) } ? origin : nil
  }

  /// Whether a text is the pattern, whose first `*` stands for anything.
  private static func matches(_ text: String, _ pattern: String) -> Bool {
    guard let star = pattern.firstIndex(of: "*") else { return text == pattern }
    let (before, behind) = (pattern[..<star], pattern[pattern.index(after: star)...])
    return text.utf8.count >= before.utf8.count + behind.utf8.count && text.hasPrefix(before) && text.hasSuffix(behind)
  }

  private func allows(headers wanted: String) -> Bool {
    if headers.contains("*") { return true }
    return wanted.split(separator: ",").allSatisfy { name in
      headers.contains(name.lowercased().filter { $0 != " " && $0 != "\t" })
    }
  }
}
