// The running daemon: its parts, connected, started in order and stopped in reverse.

internal import Admin
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
internal import TelemetryStore

/// Connects journal, sinks, pipelines and listeners. Main thread.
final class DaemonGraph: Sendable {
  private let logger: Logger
  private let workers: [SinkWorker]
  private let reactor: Reactor
  private let servers: [Server]
  private let queryThreads = QueryThreads()
  private let journal: Journal
  private let isReady: Lock<Bool>
  /// Why the journal cannot go on; the process is stopping then.
  private let failure: Lock<SystemError?>

  /// A listener and how its log line names it.
  private struct Server: Sendable {
    let component: String
    let http: HTTPServer
  }

  /// How long the requests in flight may take when the daemon stops.
  private static let drainTime = Duration.seconds(2)
  /// How long the sinks may take to deliver what is pending when the daemon stops.
  private static let flushTime = Duration.seconds(5)

  init(_ plan: DaemonPlan, context: SinkContext, metrics: MetricRegistry, logger: Logger, clock: any Clock) throws {
    self.logger = logger
    let failure = Lock<SystemError?>(nil)
    self.failure = failure
    let journal = try Journal.open(settings: plan.journal, clock: clock, metrics: metrics) { error in
      logger.critical(
        "the journal's disk failed; stopping, since nothing more can be kept safe", metadata: ["error": "\(error)"])
      failure.withLock { $0 = error }
      UnixSignals.request(.terminate)
    }
    self.journal = journal
    if let recovery = journal.recovery { DaemonGraph.tell(recovery, plan.journal, logger) }
    // Cursors first: what a pipeline accepts is routed to sinks that the journal already knows.
    workers = plan.sinks.map { sink in
      SinkWorker(
        sink: sink.make(context), id: sink.id, signals: sink.signals, settings: sink.delivery, journal: journal,
        metrics: metrics, logger: logger, clock: clock)
    }
    let pipeline = Pipeline(
      pipelines: plan.pipelines, journal: journal, metrics: metrics, logger: logger, clock: clock)
    let reactor = try Reactor(loops: Reactor.defaultLoops(processors: ProcessStatistics.processors), clock: clock)
    self.reactor = reactor
    let isReady = Lock(false)
    self.isReady = isReady
    let admin = AdminEndpoints(metrics: metrics) {
      isReady.withLock { $0 } ? .ready : .notReady(reason: "starting or stopping")
    }
    let queries = QueryAPI(
      reader: plan.storeDirectory.map { StoreReader(directory: $0) }, threads: queryThreads, clock: clock)
    servers = DaemonGraph.servers(
      plan, reactor: reactor, pipeline: pipeline, admin: admin, queries: queries, metrics: metrics, logger: logger)
  }

  private static func servers(
    _ plan: DaemonPlan, reactor: Reactor, pipeline: Pipeline, admin: AdminEndpoints, queries: QueryAPI,
    metrics: MetricRegistry, logger: Logger
  ) -> [Server] {
    var servers = plan.receivers.map { receiver in
      let otlp = OTLPReceiver(
        id: receiver.id, paths: receiver.paths, pipeline: pipeline,
        metrics: ReceiverMetrics(receiver: receiver.id, transport: "http", registry: metrics))
      let http = HTTPServer(
        reactor: reactor, address: receiver.address, limits: receiver.limits,
        handler: { request, reply in
          if let page = admin.answer(request) { reply.send(page) } else { otlp.handle(request, reply) }
        },
        refusalBody: OTLPReceiver.refusal, metrics: metrics, logger: logger)
      return Server(component: receiver.id, http: http)
    }
    if let address = plan.telemetryAddress {
      let http = HTTPServer(
        reactor: reactor, address: address,
        handler: { request, reply in
          if queries.handle(request, reply) { return }
          reply.send(admin.answer(request) ?? admin.notFound(request))
        },
        metrics: metrics, logger: logger)
      servers.append(Server(component: "telemetry", http: http))
    }
    return servers
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
    try queryThreads.start()
    try reactor.start()
    var addresses: [String] = []
    for server in servers {
      let address = try server.http.start()
      addresses.append(address)
      logger.info(
        "listening", metadata: ["component": "\(server.component)", "protocol": "http", "address": "\(address)"])
    }
    isReady.withLock { $0 = true }
    return addresses
  }

  /// Stops accepting, answers what is in flight, delivers what is pending, and closes the sinks.
  func stop() {
    isReady.withLock { $0 = false }
    for server in servers { server.http.stopAccepting() }
    reactor.stop(deadline: DaemonGraph.drainTime)
    queryThreads.stop()
    journal.close()
    // With a failed disk, sinks get after the restart what they did not get before.
    let time = hasFailed ? .zero : DaemonGraph.flushTime
    for worker in workers { worker.beginStop(deadline: time) }
    for worker in workers { worker.stop(deadline: time) }
    journal.finish()
  }

  /// Whether the disk failed under the journal.
  var hasFailed: Bool { failure.withLock { $0 != nil } }

  private static func tell(_ recovery: RecoveryReport, _ settings: JournalSettings, _ logger: Logger) {
    logger.info(
      "journal opened",
      metadata: [
        "directory": "\(settings.directory)", "durability": "\(settings.durability.rawValue)",
        "recovered_requests": "\(recovery.records)", "recovered_items": "\(recovery.items)",
      ])
    if recovery.quarantinedBytes > 0 || recovery.missingRecords > 0 {
      logger.error(
        "the journal was damaged; what could not be read was put aside in *.quarantine files",
        metadata: [
          "quarantined_bytes": "\(recovery.quarantinedBytes)", "missing_requests": "\(recovery.missingRecords)",
        ])
    }
    if recovery.cursorsLost {
      logger.error("the journal's cursors could not be read; sinks get again what is still in the journal")
    }
    if recovery.truncatedBytes > 0 {
      logger.info(
        "the journal's unfinished end was cut off; it was never acknowledged",
        metadata: ["truncated_bytes": "\(recovery.truncatedBytes)"])
    }
  }
}
