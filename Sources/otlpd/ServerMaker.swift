// The servers of a plan: what answers on each address.

internal import Admin
internal import Authenticators
internal import Config
internal import HTTPServer
internal import Pipeline
internal import Receivers
internal import System
internal import TLS
internal import TelemetryStore

/// Connects listeners to receivers, the pipelines and the administrator's pages.
struct ServerMaker {
  private let plan: DaemonPlan
  private let base: DaemonBase
  private let tls: [String: TLSServer]
  private let authenticators: [ComponentID: any ServerAuthenticator]
  private let pipeline: Pipeline
  private let admin: AdminEndpoints
  private let queries: QueryAPI

  /// - Parameter tls: the certificates of the listeners that have one, by their names.
  init(
    _ plan: DaemonPlan, _ base: DaemonBase, tls: [String: TLSServer],
    _ authenticators: [ComponentID: any ServerAuthenticator]
  ) {
    self.plan = plan
    self.base = base
    self.tls = tls
    self.authenticators = authenticators
    pipeline = Pipeline(
      pipelines: plan.pipelines, transports: plan.transports, journal: base.journal, metrics: base.metrics,
      logger: base.logger, clock: base.clock)
    admin = AdminEndpoints(metrics: base.metrics, readiness: base.readiness)
    queries = QueryAPI(
      reader: plan.storeDirectory.map { StoreReader(directory: $0) }, threads: base.queryThreads, clock: base.clock)
  }

  var servers: [Generation.Server] {
    plan.pages.map(server) + plan.receivers.map(server) + plan.grpcReceivers.map(server) + plan.telemetry.map(server)
  }

  private func server(_ page: DaemonPlan.PagePlan) -> Generation.Server {
    let context = PageContext(
      metrics: base.metrics, admin: admin, queries: queries, service: plan.service, clock: base.clock)
    let http = HTTPServer(
      name: page.id, address: page.address, limits: plan.limits, handler: page.make(context), shared: base.shared,
      metrics: base.metrics, logger: base.logger, clock: base.clock)
    return Generation.Server(component: page.id, http: http)
  }

  private func server(_ receiver: DaemonPlan.Receiver) -> Generation.Server {
    let otlp = OTLPReceiver(
      paths: receiver.paths, intake: intake(receiver.id, .http), misdirected: base.shared.misdirected)
    let isLocal = receiver.address.isLocal
    let http = HTTPServer(
      name: receiver.tlsName, address: receiver.address, tls: tls[receiver.tlsName], limits: receiver.limits,
      gate: gate(receiver.id, .http, AdminEndpoints.openPaths, receiver.authenticator), cors: receiver.cors,
      handler: { [admin] request, reply in
        if let page = admin.answer(request, isLocal: isLocal) {
          reply.send(page)
        } else {
          otlp.handle(request, reply)
        }
      },
      refusalBody: OTLPReceiver.refusal, shared: base.shared, metrics: base.metrics, logger: base.logger,
      clock: base.clock)
    return Generation.Server(component: receiver.id, http: http)
  }

  private func server(_ receiver: DaemonPlan.GRPCReceiver) -> Generation.Server {
    let grpc = GRPCReceiver(
      id: receiver.id, signals: receiver.signals, intake: intake(receiver.id, .grpc), registry: base.metrics)
    let http = HTTPServer(
      name: receiver.tlsName, address: receiver.address, speech: .http2, tls: tls[receiver.tlsName],
      limits: receiver.limits, gate: gate(receiver.id, .grpc, [], receiver.authenticator), handler: grpc.handle,
      refusalBody: grpc.refusal, shared: base.shared, metrics: base.metrics, logger: base.logger, clock: base.clock)
    return Generation.Server(component: receiver.id, isGRPC: true, http: http)
  }

  private func server(_ telemetry: DaemonPlan.TelemetryPlan) -> Generation.Server {
    let handler = admin.handler(
      isLocal: telemetry.address.isLocal, naming: telemetry.naming, queries: plan.hasAdmin ? nil : queries)
    let http = HTTPServer(
      name: "telemetry", address: telemetry.address, limits: plan.limits, handler: handler, shared: base.shared,
      metrics: base.metrics, logger: base.logger, clock: base.clock)
    return Generation.Server(component: "telemetry", http: http)
  }

  private func intake(_ id: String, _ transport: Transport) -> OTLPIntake {
    OTLPIntake(
      id: id, transport: transport, pipeline: pipeline,
      metrics: ReceiverMetrics(receiver: id, transport: transport.rawValue, registry: base.metrics))
  }

  /// The gate of a listener whose receiver asks for credentials.
  ///
  /// - Parameter openPaths: what needs none.
  private func gate(
    _ id: String, _ transport: Transport, _ openPaths: Set<String>, _ authenticator: ComponentID?
  ) -> HTTPGate? {
    guard let authenticator = authenticator.flatMap({ authenticators[$0] }) else { return nil }
    let gate = ReceiverGate(
      receiver: id, transport: transport.rawValue, authenticator: authenticator, openPaths: openPaths,
      registry: base.metrics, logger: base.logger, clock: base.clock)
    return gate.admit
  }
}
