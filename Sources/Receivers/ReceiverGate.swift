// Lets in who has credentials, and says who came.

package import Authenticators
package import HTTPServer
package import Logging
internal import Pipeline
package import SelfTelemetry
package import System

/// The gate of one receiver's listener. Any thread.
package final class ReceiverGate: Sendable {
  /// A name of a credential beyond so many others is counted as `other`.
  private static let namesMax = 500

  private let receiver: String
  private let transport: String
  private let authenticator: any ServerAuthenticator
  private let openPaths: Set<String>
  private let registry: MetricRegistry
  private let logger: Logger
  private let clock: any Clock
  /// By the credentials' name.
  private let accepted = Lock<[String: Counter]>([:])
  private let rejected: [CredentialProblem.Reason: Counter]
  private let pace = Lock(LogPace(interval: .seconds(60)))

  /// - Parameter openPaths: what needs no credentials.
  package init(
    receiver: String, transport: String, authenticator: any ServerAuthenticator, openPaths: Set<String> = [],
    registry: MetricRegistry, logger: Logger, clock: any Clock
  ) {
    self.receiver = receiver
    self.transport = transport
    self.authenticator = authenticator
    self.openPaths = openPaths
    self.registry = registry
    self.logger = logger
    self.clock = clock
    let counters = CredentialProblem.Reason.allCases.map { reason in
      let counter = registry.counter(
        "otlpd_unauthenticated_requests", help: "Requests refused because of their credentials.",
        labels: [Label("receiver", receiver), Label("transport", transport), Label("reason", reason.rawValue)])
      return (reason, counter)
    }
    rejected = Dictionary(uniqueKeysWithValues: counters)
  }

  /// Looks at the header of a request; its body is not here yet.
  package func admit(_ request: HTTPRequest) -> Admission {
    if openPaths.contains(request.path) { return .admitted }
    let peer = request.peer
    switch authenticator.check(request.header) {
    case .undecided(let decide):
      return .undecided { decided in decide { verdict in decided(self.refusal(verdict, peer)) } }
    case let verdict:
      return refusal(verdict, peer).map { .refused($0) } ?? .admitted
    }
  }

  /// Counts a verdict.
  ///
  /// - Returns: what it comes to for the client; nil for a welcome.
  private func refusal(_ verdict: CredentialVerdict, _ peer: String) -> HTTPRefusal? {
    switch verdict {
    case .accepted(let name):
      counter(name).add()
      return nil
    case .rejected(let problem):
      rejected[problem.reason]?.add()
      log(problem, peer)
      if problem.reason == .busy { return HTTPRefusal(.overloaded, problem.message) }
      return HTTPRefusal(
        .unauthenticated, problem.message, fields: [HTTPHeader("WWW-Authenticate", problem.challenge)])
    case .undecided: preconditionFailure("a decision that was waited for is one")
    }
  }

  private func counter(_ name: String) -> Counter {
    accepted.withLock { counters in
      if let counter = counters[name] { return counter }
      let label = counters.count < Self.namesMax ? name : "other"
      let counter = registry.counter(
        "otlpd_authenticated_requests", help: "Requests with good credentials, by the name of these.",
        labels: [Label("receiver", receiver), Label("transport", transport), Label("name", label)])
      if counters.count < Self.namesMax { counters[name] = counter }
      return counter
    }
  }

  private func log(_ problem: CredentialProblem, _ peer: String) {
    guard let held = pace.withLock({ $0.admit(at: clock.monotonic) }) else { return }
    logger.warning(
      "a request was refused because of its credentials",
      metadata: [
        "receiver": "\(receiver)", "transport": "\(transport)", "peer": "\(peer)", "reason": "\(problem.message)",
        "held_back": "\(held)",
      ])
  }
}
