// Lets in who has the password of one of several users.

internal import Bytes
internal import Credentials
internal import System

/// Checks the user and password of a request (RFC 7617) against an htpasswd list.
///
/// A slow hash is checked once on a thread of its own; what was right is remembered, sealed, so that later requests
/// cost two microseconds. Somebody who is no user waits for a check as well: the time does not tell who is one.
final class BasicAuthChecker: ServerAuthenticator {
  /// A password that was right, and the hash it was right for.
  private struct Verified {
    let hash: PasswordHash
    let seal: SealedCredential
  }

  private let sealer: CredentialSealer
  private let inline: PasswordFile
  private let file: WatchedFile<PasswordFile>?
  private let thread = PasswordThread()
  /// By user; users of the list only, so it is never longer than that.
  private let verified = Lock<[String: Verified]>([:])

  /// - Parameters:
  ///   - inline: lines `user:hash`, which win over those of the file.
  ///   - path: the htpasswd file; empty for none.
  init(inline: String, path: String, clock: any Clock, report: @escaping CredentialReport) throws(SystemError) {
    let sealer = CredentialSealer()
    self.sealer = sealer
    self.inline = PasswordFile(inline, sealer)
    let parse: @Sendable ([UInt8]) -> PasswordFile = { bytes in
      let file = PasswordFile(String(decoding: bytes, as: UTF8.self), sealer)
      Self.tell(file, path, report)
      return file
    }
    file = path.isEmpty ? nil : try WatchedFile(path, clock: clock, report: report, parse: parse)
    Self.tell(self.inline, "inline", report)
  }

  private static func tell(_ file: PasswordFile, _ place: String, _ report: CredentialReport) {
    if file.unusable.isEmpty { return }
    report(
      "\(place): the passwords of these users have a form that is not supported, and nobody can log in as them: "
        + file.unusable.joined(separator: ", ") + ". Make them with htpasswd -B.")
  }

  func start() throws(SystemError) { try thread.start() }

  func stop(deciding: Bool) { thread.stop(finishing: deciding) }

  func check(_ field: (String) -> String?) -> CredentialVerdict {
    guard let value = field("authorization"), !value.isEmpty else {
      return .rejected(Self.problem(.missing, "expected the header \"Authorization: Basic …\", found none"))
    }
    guard let (user, password) = Self.credentials(in: value) else {
      return .rejected(
        Self.problem(.wrong, "the header Authorization is not \"Basic\" with the base64 of user:password"))
    }
    let shared = file?.content
    switch inline.users[user] ?? shared?.users[user] {
    case .plain(let seal): return Self.verdict(sealer.seal(password).isSame(as: seal), user)
    case .hash(let hash): return check(user, password, hash)
    case nil:
      guard let hash = inline.anyHash ?? shared?.anyHash else { return Self.verdict(false, user) }
      return decideLater(password, hash) { _ in Self.verdict(false, user) }
    }
  }

  private func check(_ user: String, _ password: String, _ hash: PasswordHash) -> CredentialVerdict {
    let seal = sealer.seal(password)
    if let known = verified.withLock({ $0[user] }), known.hash == hash, known.seal.isSame(as: seal) {
      return .accepted(name: user)
    }
    return decideLater(password, hash) { [self] isRight in
      if isRight { verified.withLock { $0[user] = Verified(hash: hash, seal: seal) } }
      return Self.verdict(isRight, user)
    }
  }

  private func decideLater(
    _ password: String, _ hash: PasswordHash, _ conclude: @escaping @Sendable (Bool) -> CredentialVerdict
  ) -> CredentialVerdict {
    .undecided { [thread] decided in
      let isTaken = thread.check(password, hash) { decided(conclude($0)) }
      if !isTaken {
        decided(.rejected(Self.problem(.busy, "too many passwords wait to be checked: send the same request again")))
      }
    }
  }

  private static func verdict(_ isRight: Bool, _ user: String) -> CredentialVerdict {
    isRight ? .accepted(name: user) : .rejected(problem(.wrong, "the user or the password is wrong"))
  }

  private static func problem(_ reason: CredentialProblem.Reason, _ message: String) -> CredentialProblem {
    // RFC 7617 section 2.1: the charset tells clients how to encode the pair.
    CredentialProblem(reason: reason, message: message, challenge: #"Basic realm="otlpd", charset="UTF-8""#)
  }

  private static func credentials(in value: String) -> (user: String, password: String)? {
    guard value.prefix(6).lowercased() == "basic " else { return nil }
    guard let pair = base64Text(value.dropFirst(6).drop { $0 == " " }) else { return nil }
    let parts = pair.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
    return parts.count == 2 ? (String(parts[0]), String(parts[1])) : nil
  }

  /// RFC 4648 section 4; nil when it is none, or what it stands for is no UTF-8.
  private static func base64Text(_ text: Substring) -> String? {
    var (bytes, bits, count): ([UInt8], UInt32, Int) = ([], 0, 0)
    for character in text.utf8.reversed().drop(while: { $0 == UInt8(ascii: "=") }).reversed() {
      let digit: UInt8
      switch character {
      case UInt8(ascii: "A")...UInt8(ascii: "Z"): digit = character - 65
      case UInt8(ascii: "a")...UInt8(ascii: "z"): digit = character - 71
      case UInt8(ascii: "0")...UInt8(ascii: "9"): digit = character + 4
      case UInt8(ascii: "+"): digit = 62
      case UInt8(ascii: "/"): digit = 63
      default: return nil
      }
      bits = bits << 6 | UInt32(digit)
      count += 6
      if count >= 8 {
        count -= 8
        bytes.append(UInt8(truncatingIfNeeded: bits >> count))
      }
    }
    return String(validating: bytes, as: UTF8.self)
  }
}
