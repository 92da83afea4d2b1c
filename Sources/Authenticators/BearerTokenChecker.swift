// Lets in who has one of several bearer tokens.

internal import Config
internal import Credentials
internal import System

/// Checks the token of a request's header (RFC 6750 section 2.1) against those of a list or a file.
final class BearerTokenChecker: ServerAuthenticator {
  private struct Known: Sendable {
    let name: String
    let seal: SealedCredential
  }

  private enum Source: Sendable {
    case fixed([Known])
    case file(WatchedFile<[Known]>)
  }

  private let header: String
  /// With the space behind it; empty when the header is the bare token.
  private let scheme: String
  private let sealer = CredentialSealer()
  private let source: Source

  init(header: String, scheme: String, tokens: [NamedToken]) {
    self.header = header
    self.scheme = scheme.isEmpty ? "" : scheme + " "
    source = .fixed(Self.sealed(tokens, sealer))
  }

  init(
    header: String, scheme: String, file: String, clock: any Clock, report: @escaping CredentialReport
  ) throws(SystemError) {
    self.header = header
    self.scheme = scheme.isEmpty ? "" : scheme + " "
    let sealer = sealer
    source = .file(
      try WatchedFile(file, clock: clock, report: report) { Self.sealed(TokenList.parse($0), sealer) })
  }

  /// Tokens without a name are called by their place: 1, 2, and so on.
  private static func sealed(_ tokens: [NamedToken], _ sealer: CredentialSealer) -> [Known] {
    tokens.enumerated().filter { !$1.token.reveal().isEmpty }.map { index, token in
      Known(name: token.name.isEmpty ? String(index + 1) : token.name, seal: sealer.seal(token.token.reveal()))
    }
  }

  func check(_ field: (String) -> String?) -> CredentialVerdict {
    guard let value = field(header), !value.isEmpty else {
      return .rejected(problem(.missing, "expected the header \"\(header): \(scheme)TOKEN\", found none"))
    }
    // RFC 9110 section 11.1: the scheme's case does not matter.
    guard value.utf8.count > scheme.utf8.count,
      value.prefix(scheme.count).lowercased() == scheme.lowercased()
    else {
      return .rejected(problem(.wrong, "the header \(header) is not \"\(scheme)TOKEN\""))
    }
    let seal = sealer.seal(String(value.dropFirst(scheme.count).drop { $0 == " " }))
    // Every token is looked at, also behind the right one.
    var name: String?
    for known in tokens where known.seal.isSame(as: seal) { name = known.name }
    if let name { return .accepted(name: name) }
    return .rejected(problem(.wrong, "the token in the header \(header) is not one that is accepted here"))
  }

  private var tokens: [Known] {
    switch source {
    case .fixed(let tokens): tokens
    case .file(let file): file.content
    }
  }

  private func problem(_ reason: CredentialProblem.Reason, _ message: String) -> CredentialProblem {
    // RFC 6750 section 3: who sent a token is told that it was not good.
    let error = reason == .wrong ? #", error="invalid_token""# : ""
    return CredentialProblem(
      reason: reason, message: message, challenge: #"\#(scheme.isEmpty ? "Bearer " : scheme)realm="otlpd"\#(error)"#)
  }
}
