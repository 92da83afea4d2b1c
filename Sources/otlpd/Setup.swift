// From the command line to a plan: reads the configuration, says what is wrong with it, and decides where things go.

internal import Admin
internal import Authenticators
internal import Config
internal import HTTPServer
internal import Journal
internal import Logging
internal import OTLP
internal import Pipeline
internal import Processors
internal import Receivers
internal import SelfTelemetry
internal import Sinks
internal import System

/// A usable configuration, with what was found while reading it.
struct Setup {
  let config: CollectorConfig
  let dataDirectory: String
  private let environment: [String: String]
  private let document: ConfigDocument
  private let diagnostics: ConfigDiagnostics

  /// Reads every source, or the embedded default when no whole configuration is among them.
  ///
  /// - Throws: every mistake, when the configuration is unusable.
  init(sources: [ConfigSource], dataDirectory: String?, environment: [String: String]) throws(UnusableConfig) {
    let diagnostics = ConfigDiagnostics()
    let document = Setup.read(sources, environment: environment, diagnostics: diagnostics)
    let config = document.flatMap { CollectorConfig($0, environment: environment, diagnostics: diagnostics) }
    guard let document, let config, diagnostics.errors.isEmpty else {
      throw UnusableConfig(name: Setup.name(of: sources), problems: diagnostics.errors, warnings: diagnostics.warnings)
    }
    (self.config, self.document, self.diagnostics) = (config, document, diagnostics)
    self.environment = environment
    self.dataDirectory = DataDirectory.resolve(flag: dataDirectory, environment: environment)
  }

  /// What messages call the configuration as a whole.
  static func name(of sources: [ConfigSource]) -> String {
    let names = sources.filter { !$0.isSetting }.map(\.name)
    return names.isEmpty ? "embedded default" : names.joined(separator: " + ")
  }

  private static func read(
    _ sources: [ConfigSource], environment: [String: String], diagnostics: ConfigDiagnostics
  ) -> ConfigDocument? {
    let places = ExpansionSources(environment: environment) { try SmallFile.read($0) }
    var texts: [ConfigText] = []
    if sources.allSatisfy(\.isSetting) {
      let showsBatches = ProcessStatistics.isTerminal(StandardStream.output.rawValue)
      let text = CollectorConfig.defaultText(showsBatches: showsBatches)
      texts.append(ConfigText(Array(text.utf8), name: "embedded default"))
    }
    for source in sources {
      do {
        texts.append(try source.text(from: places))
      } catch {
        let hint = "Name a readable file with --config, or leave it out for the embedded default."
        diagnostics.error(ConfigProblem(position: nil, message: "\(error). \(hint)"))
      }
    }
    guard diagnostics.errors.isEmpty else { return nil }
    return ConfigDocument(texts, sources: places, diagnostics: diagnostics)
  }

  // MARK: What was found

  /// Says once, at start, what the owner should know of the file.
  func logFindings(to logger: Logger) {
    for warning in diagnostics.warnings { logger.warning("\(warning)") }
    for note in diagnostics.notes { logger.info("\(note)") }
    guard !diagnostics.inertKeys.isEmpty else { return }
    let keys = diagnostics.inertKeys.map(\.path).joined(separator: ", ")
    logger.info("these configuration keys have no effect yet", metadata: ["keys": "\(keys)"])
  }

  private static let exposure = """
    otlpd listens beyond this machine without TLS or authentication: whoever reaches it can send telemetry, read \
    along and see /metrics. Give the receiver a `tls:` block with client_ca_file or `auth:`, use localhost as \
    endpoint, or keep a firewall in front
    """

  /// Says loudly, once, that anybody may send.
  static func warnOfExposure(_ plan: DaemonPlan, _ logger: Logger) {
    let exposed = plan.exposedAddresses.map(\.description)
    if exposed.isEmpty { return }
    logger.warning("\(exposure)", metadata: ["addresses": "\(exposed.joined(separator: ","))"])
  }

  /// The same for `otlpd validate`, one line each.
  var findings: [String] {
    let exposed = plan.exposedAddresses.map { "warning: \($0): \(Setup.exposure)" }
    return diagnostics.warnings.map { "warning: \($0)" } + exposed
      + (diagnostics.inertKeys + diagnostics.notes).map { "note: \($0)" }
  }

  /// The configuration as it is used, without its secrets.
  var effectiveText: String { document.effectiveText(diagnostics) }

  // MARK: What follows from it

  func sinkContext(metrics: MetricRegistry, logger: Logger, clock: any Clock) -> SinkContext {
    SinkContext(
      version: Version.current, dataDirectory: dataDirectory, clock: clock, logger: logger, metrics: metrics,
      authenticators: config.authenticators)
  }

  /// Opens the outputs of the log that the configuration names.
  var logSettings: LogWriter.Settings { LogWriter.Settings(config.telemetry.logs, environment: environment) }

  /// How detailed the metrics are, and who otlpd says it is: the Collector's three attributes, and what the file adds,
  /// changes or takes away.
  func apply(to metrics: MetricRegistry) {
    metrics.activity.export(config.telemetry.metrics.level == .detailed)
    var attributes = [
      "service.name": "otlpd", "service.version": Version.current, "service.instance.id": Setup.instanceID,
    ]
    for (name, value) in config.telemetry.resource.attributes { attributes[name] = value }
    metrics.describeTarget(attributes)
  }

  /// Tells this process from every other, also after a restart.
  private static let instanceID = String(UInt64.random(in: 1...UInt64.max), radix: 16)

  /// What the parts of the daemon are to be. Only what some pipeline names is made.
  var plan: DaemonPlan {
    DaemonPlan(
      limits: limits, memoryInFlightMax: memoryInFlightMax, authenticators: serverAuthenticators,
      receivers: receivers, grpcReceivers: grpcReceivers, sinks: sinks,
      pipelines: config.pipelines.map { pipeline in
        PipelineSettings(
          signal: pipeline.signal, receivers: pipeline.receivers.map(\.description),
          sinks: pipeline.sinks.map(\.description))
      },
      journal: config.journal.settings(dataDirectory: dataDirectory),
      telemetry: telemetry, pages: pages, hasAdmin: config.pages.keys.contains { $0.type == AdminConfig.type },
      service: service, storeDirectory: storeDirectory)
  }

  /// An `admin` at the same address has all that is there.
  private var telemetry: [DaemonPlan.TelemetryPlan] {
    let taken = config.pages.values.compactMap { ($0 as? AdminConfig)?.address }
    return config.telemetry.metrics.listeners.compactMap { listener in
      ListenAddress(parsing: listener.address.description).flatMap { address in
        taken.contains(address) ? nil : DaemonPlan.TelemetryPlan(address: address, naming: listener.naming)
      }
    }
  }

  private var pages: [DaemonPlan.PagePlan] {
    config.pages.sorted { $0.key < $1.key }.compactMap { id, page in
      page.address.map { address in
        DaemonPlan.PagePlan(id: id.description, address: address, isForStrangers: type(of: page).isForStrangers) {
          page.makeHandler($0)
        }
      }
    }
  }

  private var service: ServiceDescription {
    ServiceDescription(
      version: Version.current, dataDirectory: dataDirectory,
      pipelines: config.pipelines.map { pipeline in
        ServiceDescription.Pipeline(
          id: pipeline.id, signal: pipeline.signal.name, receivers: pipeline.receivers.map(\.description),
          processors: pipeline.processors.map(\.description), sinks: pipeline.sinks.map(\.description))
      },
      extensions: config.startedExtensions.map(\.description))
  }

  /// Of the first `sqlite` exporter that a pipeline names.
  private var storeDirectory: String? {
    let used = config.sinks.sorted { $0.key < $1.key }.filter { !config.pipelines(to: $0.key).isEmpty }
    let stores = used.compactMap { $0.value as? SQLiteSinkConfig }
    return stores.first.map { $0.directory ?? dataDirectory }
  }

  private var limits: Limits { config.limits.limits(openFiles: ResourceLimits.openFiles) }

  /// What the file says, else what its memory limiters come to, else a quarter of the memory within bounds.
  private var memoryInFlightMax: Int {
    if let bytes = config.limits.memoryInFlight?.bytes { return bytes }
    let memory = ProcessStatistics.memoryBytes
    let limiters = config.pipelines.flatMap(\.processors).compactMap { config.processors[$0] as? MemoryLimiterConfig }
    let least = limiters.map { $0.softLimit(memory: memory) }.min()
    return least.map { max($0, 1 << 20) } ?? min(max(memory / 4, 64 << 20), 256 << 20)
  }

  private var receivers: [DaemonPlan.Receiver] {
    config.receivers.sorted { $0.key < $1.key }.compactMap { id, receiver in
      let signals = signals(from: id)
      guard !signals.isEmpty, let http = receiver.http, let address = http.address else { return nil }
      return DaemonPlan.Receiver(
        id: id.description, address: address, tls: http.tls?.settings(protocols: ["http/1.1"]),
        limits: http.limits(over: limits), authenticator: http.auth?.id, cors: http.cors?.cors,
        paths: http.paths.filter { signals.contains($0.key) })
    }
  }

  private var grpcReceivers: [DaemonPlan.GRPCReceiver] {
    config.receivers.sorted { $0.key < $1.key }.compactMap { id, receiver in
      let signals = signals(from: id)
      guard !signals.isEmpty, let grpc = receiver.grpc, let address = grpc.address else { return nil }
      return DaemonPlan.GRPCReceiver(
        id: id.description, address: address, tls: grpc.tls?.settings(protocols: ["h2"]),
        limits: grpc.limits(over: limits), authenticator: grpc.auth?.id, signals: signals)
    }
  }

  /// The extensions that some receiver checks credentials with.
  private var serverAuthenticators: [ComponentID: any AuthenticatorConfig] {
    let named = config.receivers.values.flatMap { [$0.http?.auth?.id, $0.grpc?.auth?.id] }.compactMap(\.self)
    return config.authenticators.filter { named.contains($0.key) }
  }

  /// The signals that some pipeline takes from a receiver.
  private func signals(from id: ComponentID) -> [Signal] {
    Signal.allCases.filter { signal in
      config.pipelines.contains { $0.signal == signal && $0.receivers.contains(id) }
    }
  }

  private var sinks: [DaemonPlan.SinkPlan] {
    config.sinks.sorted { $0.key < $1.key }.compactMap { id, sink in
      let signals = Set(config.pipelines(to: id).map(\.signal))
      guard !signals.isEmpty else { return nil }
      let loops = config.loops(of: id)
      return DaemonPlan.SinkPlan(
        id: id.description, config: sink, authenticator: sink.auth?.id.flatMap { config.authenticators[$0] },
        signals: Signal.allCases.filter(signals.contains), delivery: config.delivery(of: id),
        loops: Signal.allCases.filter(loops.contains))
    }
  }
}

/// Why a configuration cannot be used: every mistake in it.
struct UnusableConfig: Error, CustomStringConvertible {
  let name: String
  let problems: [ConfigProblem]
  /// What may have led to them: a variable that is not set.
  let warnings: [ConfigProblem]

  var description: String {
    let count = problems.count == 1 ? "1 mistake" : "\(problems.count) mistakes"
    return "\(name) cannot be used: \(count)"
  }

  /// Tells a person at the command line.
  func explain() {
    for problem in problems { StandardStream.error.write("error: \(problem)\n") }
    for warning in warnings { StandardStream.error.write("warning: \(warning)\n") }
    StandardStream.error.write("\(self). Nothing was started.\n")
  }
}
