// What one configuration makes of the daemon: it is replaced as a whole when another one comes.

internal import Admin
internal import Authenticators
internal import Config
internal import HTTPServer
internal import Logging
internal import Pipeline
internal import Receivers
internal import SelfTelemetry
internal import System
internal import TLS
internal import TelemetryStore

/// Pipelines, certificates, authenticators and servers of one plan; immutable. Sinks live on their own: `SinkSet`.
final class Generation: Sendable {
  /// A server and how the log names it.
  struct Server: Sendable {
    let component: String
    var isGRPC = false
    let http: HTTPServer

    /// What the log calls it.
    var scheme: String { isGRPC ? "grpc" : http.isSecure ? "https" : "http" }
  }

  /// A listener's certificate, and what it was made of.
  private struct Certificate: Sendable {
    let settings: TLSSettings
    let server: TLSServer
  }

  let plan: DaemonPlan
  let servers: [Server]
  private let authenticators: [ComponentID: any ServerAuthenticator]
  /// By the names of the listeners.
  private let certificates: [String: Certificate]

  /// Makes everything and starts nothing.
  ///
  /// - Parameter previous: certificates and authenticators that are the same go on.
  /// - Throws: `TLSError` or `AuthenticatorError`, which say what is wrong with a file.
  init(_ plan: DaemonPlan, on base: DaemonBase, after previous: Generation? = nil) throws {
    self.plan = plan
    let certificates = try Generation.certificates(plan, on: base, after: previous)
    let authenticators = try Generation.authenticators(plan, on: base, after: previous)
    self.certificates = certificates
    self.authenticators = authenticators
    servers = ServerMaker(plan, base, tls: certificates.mapValues(\.server), authenticators).servers
  }

  private static func certificates(
    _ plan: DaemonPlan, on base: DaemonBase, after previous: Generation?
  ) throws(TLSError) -> [String: Certificate] {
    var made: [String: Certificate] = [:]
    let logger = base.logger
    let secured = plan.receivers.map { ($0.tlsName, $0.tls) } + plan.grpcReceivers.map { ($0.tlsName, $0.tls) }
    for (name, settings) in secured {
      guard let settings else { continue }
      if let present = previous?.certificates[name], present.settings == settings {
        made[name] = present
        continue
      }
      let server = try TLSServer(settings, clock: base.clock) { result in
        switch result {
        case .success: logger.info("read the changed certificate", metadata: ["component": "\(name)"])
        case .failure(let error):
          logger.warning(
            "the changed certificate cannot be used; the one before it stays in use",
            metadata: ["component": "\(name)", "error": "\(error)"])
        }
      }
      made[name] = Certificate(settings: settings, server: server)
    }
    return made
  }

  private static func authenticators(
    _ plan: DaemonPlan, on base: DaemonBase, after previous: Generation?
  ) throws(AuthenticatorError) -> [ComponentID: any ServerAuthenticator] {
    var made: [ComponentID: any ServerAuthenticator] = [:]
    let logger = base.logger
    for (id, config) in plan.authenticators {
      if let present = previous?.authenticators[id], areEqual(previous?.plan.authenticators[id], config) {
        made[id] = present
        continue
      }
      made[id] = try config.makeServer(id: "\(id)", clock: base.clock) { news in
        logger.warning("\(news)", metadata: ["extension": "\(id)"])
      }
    }
    return made
  }

  /// Starts what takes longer decisions, as far as the previous generation has not.
  func start(after previous: Generation? = nil) throws(SystemError) {
    for (id, authenticator) in authenticators where !(previous?.has(authenticator, id) ?? false) {
      try authenticator.start()
    }
  }

  /// Ends what the next generation does not go on with; nil at the end of the process.
  func stop(before next: Generation? = nil) {
    for (id, authenticator) in authenticators where !(next?.has(authenticator, id) ?? false) {
      authenticator.stop(deciding: next != nil)
    }
  }

  private func has(_ authenticator: any ServerAuthenticator, _ id: ComponentID) -> Bool {
    guard let own = authenticators[id] else { return false }
    return own as AnyObject === authenticator as AnyObject
  }

  /// Reads the certificates that went on from the previous generation again, changed or not.
  func reloadCertificates() {
    for certificate in certificates.values { certificate.server.reload(evenIfUnchanged: true) }
  }
}
