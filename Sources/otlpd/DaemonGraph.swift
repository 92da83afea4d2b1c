// The running daemon: its parts, connected, started in order and stopped in reverse.

internal import Admin
internal import Authenticators
internal import Config
internal import HTTPServer
internal import Journal
internal import Logging
internal import OTLP
internal import Pipeline
internal import Reactor
internal import Receivers
internal import SelfTelemetry
internal import Sinks
internal import System
internal import TLS
internal import TelemetryStore

/// Connects journal, sinks, pipelines and listeners. Main thread.
final class DaemonGraph: Sendable {
  private let logger: Logger
  private let workers: [SinkWorker]
  let reactor: Reactor
  private let servers: [Server]
  private let queryThreads = QueryThreads()
  /// Those of all listeners.
  private let tlsServers: [TLSServer]
  private let authenticators: [ComponentID: any ServerAuthenticator]
  private let journal: Journal
  private let isReady: Lock<Bool>
  private let end: Lock<End>

  /// How the life of the process ends.
  private struct End {
    /// The journal's disk failed, or did not answer in time.
    var hasFailed = false
    var isStopping = false
  }

  /// A listener and how its log line names it.
  private struct Server: Sendable {
    let component: String
    var isGRPC = false
    let http: HTTPServer

    /// What the log calls it.
    var scheme: String { isGRPC ? "grpc" : http.isSecure ? "https" : "http" }
  }

  /// How long the requests in flight may take when the daemon stops.
  private static let drainTime = Duration.seconds(2)
  /// How long the sinks may take to deliver what is pending when the daemon stops.
  private static let flushTime = Duration.seconds(5)
  /// How long the journal's disk may take to store what it has when the daemon stops.
  private static let journalTime = Duration.seconds(3)

  init(
    _ plan: DaemonPlan, context: SinkContext, passedSockets: PassedSockets, metrics: MetricRegistry, logger: Logger,
    clock: any Clock
  ) throws {
    self.logger = logger
    let end = Lock(End())
    self.end = end
    let log = JournalLog(logger: logger, clock: clock)
    let journal = try Journal.open(
      settings: plan.journal, clock: clock, metrics: metrics, onWarning: { log.note($0) },
      onFailure: { error in
        logger.critical(
          "the journal's disk failed; stopping, since nothing more can be kept safe", metadata: ["error": "\(error)"])
        end.withLock { end in
          end.hasFailed = true
          // Later the signal would have its default effect, and the wrong exit status.
          if !end.isStopping { UnixSignals.request(.terminate) }
        }
      })
    self.journal = journal
    if let recovery = journal.recovery { log.opened(recovery, plan.journal) }
    // Cursors first: what a pipeline accepts is routed to sinks that the journal already knows.
    workers = plan.sinks.map { sink in
      SinkWorker(
        sink: sink.make(context), id: sink.id, signals: sink.signals, settings: sink.delivery, journal: journal,
        metrics: metrics, logger: logger, clock: clock)
    }
    for sink in journal.giveUpRemovedSinks() {
      let signal = Signal(rawValue: sink.signal)?.name ?? "\(sink.signal)"
      SinkMetrics.count(removed: sink.sink, signal: signal, items: sink.pending.items, in: metrics)
      log.removed(sink, signal: signal)
    }
    let pipeline = Pipeline(
      pipelines: plan.pipelines, transports: plan.transports, journal: journal, metrics: metrics, logger: logger,
      clock: clock)
    let reactor = try Reactor(
      loops: Reactor.defaultLoops(processors: ProcessStatistics.processors), clock: clock, passedSockets: passedSockets)
    self.reactor = reactor
    let isReady = Lock(false)
    self.isReady = isReady
    let loops = plan.sinks.flatMap { sink in
      sink.loops.map { "\(sink.id) \($0.name): sends nothing: its endpoint is otlpd's own listener" }
    }
    let admin = AdminEndpoints(metrics: metrics) { [workers] in
      guard isReady.withLock({ $0 }) else { return .notReady(reason: "starting or stopping") }
      let warnings = journal.warnings.map(\.text) + loops + workers.flatMap(\.troubles).map(\.description)
      return warnings.isEmpty ? .ready : .readyWithWarnings(warnings)
    }
    let queries = QueryAPI(
      reader: plan.storeDirectory.map { StoreReader(directory: $0) }, threads: queryThreads, clock: clock)
    let tls = try DaemonGraph.tlsServers(plan, logger: logger, clock: clock)
    tlsServers = Array(tls.values)
    let shared = SharedResources(
      memoryBytesMax: plan.memoryInFlightMax, metrics: metrics, logger: logger, clock: clock)
    let authenticators = try DaemonGraph.authenticators(plan, clock: clock, logger: logger)
    self.authenticators = authenticators
    servers = DaemonGraph.servers(
      plan, reactor: reactor, pipeline: pipeline, admin: admin, queries: queries, tls: tls, shared: shared,
      metrics: metrics, logger: logger, clock: clock
    ) { id, transport, openPaths, authenticator in
      authenticator.flatMap { authenticators[$0] }.map { authenticator in
        let gate = ReceiverGate(
          receiver: id, transport: transport, authenticator: authenticator, openPaths: openPaths, registry: metrics,
          logger: logger, clock: clock)
        return gate.admit
      }
    }
  }

  private static func authenticators(
    _ plan: DaemonPlan, clock: any Clock, logger: Logger
  ) throws(AuthenticatorError) -> [ComponentID: any ServerAuthenticator] {
    var made: [ComponentID: any ServerAuthenticator] = [:]
    for (id, config) in plan.authenticators {
      made[id] = try config.makeServer(id: "\(id)", clock: clock) { news in
        logger.warning("\(news)", metadata: ["extension": "\(id)"])
      }
    }
    return made
  }

  /// Makes the gate of a listener: of which receiver and transport, what needs no credentials, and who checks them.
  private typealias GateMaker = (
    _ id: String, _ transport: String, _ openPaths: Set<String>, _ authenticator: ComponentID?
  ) -> HTTPGate?

  private static func servers(
    _ plan: DaemonPlan, reactor: Reactor, pipeline: Pipeline, admin: AdminEndpoints, queries: QueryAPI,
    tls: [String: TLSServer], shared: SharedResources, metrics: MetricRegistry, logger: Logger, clock: any Clock,
    gate: GateMaker
  ) -> [Server] {
    // First, so that they tell from the start that the rest is not ready.
    let context = PageContext(metrics: metrics, admin: admin, queries: queries, service: plan.service, clock: clock)
    var servers = plan.pages.map { page in
      Server(
        component: page.id,
        http: HTTPServer(
          reactor: reactor, address: page.address, limits: plan.limits, handler: page.make(context), shared: shared,
          metrics: metrics, logger: logger))
    }
    servers += plan.receivers.map { receiver in
      let intake = OTLPIntake(
        id: receiver.id, transport: .http, pipeline: pipeline,
        metrics: ReceiverMetrics(receiver: receiver.id, transport: "http", registry: metrics))
      let otlp = OTLPReceiver(
        paths: receiver.paths, intake: intake, misdirected: shared.misdirected)
      let isLocal = receiver.address.isLocal
      let http = HTTPServer(
        reactor: reactor, address: receiver.address, tls: tls[receiver.tlsName], limits: receiver.limits,
        gate: gate(receiver.id, "http", AdminEndpoints.openPaths, receiver.authenticator), cors: receiver.cors,
        handler: { request, reply in
          if let page = admin.answer(request, isLocal: isLocal) {
            reply.send(page)
          } else {
            otlp.handle(request, reply)
          }
        },
        refusalBody: OTLPReceiver.refusal, shared: shared, metrics: metrics, logger: logger)
      return Server(component: receiver.id, http: http)
    }
    servers += plan.grpcReceivers.map { receiver in
      let intake = OTLPIntake(
        id: receiver.id, transport: .grpc, pipeline: pipeline,
        metrics: ReceiverMetrics(receiver: receiver.id, transport: "grpc", registry: metrics))
      let grpc = GRPCReceiver(id: receiver.id, signals: receiver.signals, intake: intake, registry: metrics)
      let http = HTTPServer(
        reactor: reactor, address: receiver.address, speech: .http2, tls: tls[receiver.tlsName],
        limits: receiver.limits, gate: gate(receiver.id, "grpc", [], receiver.authenticator), handler: grpc.handle,
        refusalBody: grpc.refusal, shared: shared, metrics: metrics, logger: logger)
      return Server(component: receiver.id, isGRPC: true, http: http)
    }
    servers += plan.telemetry.map { telemetry in
      let handler = admin.handler(
        isLocal: telemetry.address.isLocal, naming: telemetry.naming, queries: plan.hasAdmin ? nil : queries)
      let http = HTTPServer(
        reactor: reactor, address: telemetry.address, limits: plan.limits, handler: handler, shared: shared,
        metrics: metrics, logger: logger)
      return Server(component: "telemetry", http: http)
    }
    return servers
  }

  /// The certificates of the listeners that have one, by their names.
  ///
  /// - Throws: `TLSError`, which says what is wrong with a certificate or key.
  private static func tlsServers(
    _ plan: DaemonPlan, logger: Logger, clock: any Clock
  ) throws -> [String: TLSServer] {
    var servers: [String: TLSServer] = [:]
    let secured = plan.receivers.map { ($0.tlsName, $0.tls) } + plan.grpcReceivers.map { ($0.tlsName, $0.tls) }
    for (name, settings) in secured {
      guard let settings else { continue }
      servers[name] = try TLSServer(settings, clock: clock) { result in
        switch result {
        case .success: logger.info("read the changed certificate", metadata: ["component": "\(name)"])
        case .failure(let error):
          logger.warning(
            "the changed certificate cannot be used; the one before it stays in use",
            metadata: ["component": "\(name)", "error": "\(error)"])
        }
      }
    }
    return servers
  }

  /// Reads all certificates again, changed or not. Main thread.
  func reloadCertificates() {
    for server in tlsServers { server.reload(evenIfUnchanged: true) }
  }

  /// Starts sinks, then loops, then listeners: the first request finds everything in place.
  ///
  /// - Throws: what a sink throws, `ListenError` or `SystemError`; what was started is stopped again.
  /// - Returns: the addresses that are listened on.
  func start() throws -> [String] {
    do {
      return try startParts()
    } catch {
      stop()
      throw error
    }
  }

  private func startParts() throws -> [String] {
    // Every sink has its cursors: from now on the journal lets go of what none of them needs.
    try journal.start()
    for worker in workers { try worker.start() }
    for authenticator in authenticators.values { try authenticator.start() }
    try queryThreads.start()
    try reactor.start()
    var addresses: [String] = []
    for server in servers {
      let address = try server.http.start()
      addresses.append(address)
      logger.info(
        "listening",
        metadata: ["component": "\(server.component)", "protocol": "\(server.scheme)", "address": "\(address)"])
    }
    closeUnusedSockets()
    isReady.withLock { $0 = true }
    return addresses
  }

  /// What connects to a passed socket that no endpoint has would wait for ever.
  private func closeUnusedSockets() {
    let unused = reactor.passedSockets.closeRest()
    if unused.isEmpty { return }
    logger.warning(
      """
      the service manager passed sockets that no endpoint listens on; give otlpd.socket and the configuration the same \
      addresses
      """,
      metadata: ["sockets": "\(unused.joined(separator: ","))"])
  }

  /// How far each sink is, for a status line.
  var lags: String { workers.map { "\($0.lag)" }.joined(separator: ", ") }

  /// Stopping begins, for whatever reason: a disk that fails from now on needs no signal to stop the process.
  func beginStop() {
    let hasFailed = end.withLock { end in
      end.isStopping = true
      return end.hasFailed
    }
    // The failure's own signal may have come after the one that is obeyed.
    if hasFailed { UnixSignals.discard() }
  }

  /// Stops accepting, answers what is in flight, delivers what is pending, and closes the sinks.
  func stop() {
    isReady.withLock { $0 = false }
    for server in servers { server.http.stopAccepting() }
    reactor.stop(deadline: DaemonGraph.drainTime)
    for authenticator in authenticators.values { authenticator.stop() }
    queryThreads.stop()
    journal.close()
    // With a failed disk, sinks get after the restart what they did not get before.
    let time = hasFailed ? .zero : DaemonGraph.flushTime
    for worker in workers { worker.beginStop(deadline: time) }
    for worker in workers { worker.stop(deadline: time) }
    let unanswered = journal.finish(within: DaemonGraph.journalTime)
    guard unanswered > 0 else { return }
    end.withLock { $0.hasFailed = true }
    logger.critical(
      "the journal's disk does not answer; stopping without what it was writing, which was not acknowledged",
      metadata: ["requests": "\(unanswered)", "directory": "\(journal.settings.directory)"])
  }

  /// Whether the disk failed under the journal.
  var hasFailed: Bool { end.withLock { $0.hasFailed } }
}
