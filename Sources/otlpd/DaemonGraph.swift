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

/// Connects journal, sinks, pipelines and listeners. Main thread.
final class DaemonGraph: Sendable {
  private let logger: Logger
  private let workers: [SinkWorker]
  private let reactor: Reactor
  private let servers: [Server]
  private let journal: Journal
  private let isReady: Lock<Bool>

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
    let journal = Journal(settings: plan.journal, clock: clock, metrics: metrics)
    self.journal = journal
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
    servers = DaemonGraph.servers(
      plan, reactor: reactor, pipeline: pipeline, admin: admin, metrics: metrics, logger: logger)
  }

  private static func servers(
    _ plan: DaemonPlan, reactor: Reactor, pipeline: Pipeline, admin: AdminEndpoints, metrics: MetricRegistry,
    logger: Logger
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
        handler: { request, reply in reply.send(admin.answer(request) ?? admin.notFound(request)) },
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
    for worker in workers { try worker.start() }
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
    journal.close()
    for worker in workers { worker.beginStop(deadline: DaemonGraph.flushTime) }
    for worker in workers { worker.stop(deadline: DaemonGraph.flushTime) }
  }
}
