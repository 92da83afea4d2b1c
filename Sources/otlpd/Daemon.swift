// The life of the process: configuration, start, wait, stop, exit status.

internal import Authenticators
internal import HTTPServer
internal import Journal
internal import Logging
internal import Pipeline
internal import SelfTelemetry
internal import Sinks
internal import System
internal import TLS
internal import TelemetryStore

enum Daemon {
  /// Runs until SIGTERM or SIGINT. Main thread.
  static func run(configPath: String?, dataDirectory: String?) -> ExitStatus {
    // Before any thread starts, so that all inherit the blocked signals.
    UnixSignals.take()
    ResourceLimits.raiseOpenFiles()
    Allocator.keepFreedMemory()
    let environment = ProcessStatistics.environment
    let clock = SystemClock()
    guard
      let setup = Setup.load(configPath: configPath, dataDirectory: dataDirectory, environment: environment)
    else { return .unusableConfig }
    let metrics = MetricRegistry()
    metrics.registerProcess(clock: clock)
    metrics.activity.export(setup.config.telemetry.metrics.level == .detailed)
    metrics.describeTarget(setup.targetAttributes(instanceID: instanceID))
    let log = LogWriter(setup.logSettings(environment: environment), clock: clock, metrics: metrics)
    let logger = log.logger
    setup.logFindings(to: logger)
    let manager = ServiceManager(environment: environment)
    do {
      let context = SinkContext(
        version: Version.current, dataDirectory: setup.dataDirectory, clock: clock, logger: logger, metrics: metrics,
        authenticators: setup.config.authenticators)
      let plan = setup.plan
      Setup.warnOfExposure(plan, logger)
      let graph = try DaemonGraph(
        plan, context: context, passedSockets: PassedSockets(environment: environment), metrics: metrics,
        logger: logger, clock: clock)
      let addresses = try graph.start()
      logger.info("ready", metadata: ["version": "\(Version.current)", "data_dir": "\(setup.dataDirectory)"])
      let report = ServiceReport(manager: manager, reactor: graph.reactor, logger: logger) { graph.lags }
      try report.start(addresses: addresses)
      waitForStop(graph, logger)
      report.stop()
      graph.beginStop()
      // A second SIGTERM or SIGINT ends the process at once.
      UnixSignals.release()
      graph.stop()
      logger.info("stopped")
      return graph.hasFailed ? .diskFailure : .success
    } catch {
      logger.critical("\(error)")
      manager.notify("STATUS=\(error)")
      return ExitStatus(startFailure: error)
    }
  }

  private static func waitForStop(_ graph: DaemonGraph, _ logger: Logger) {
    while true {
      let signal = UnixSignals.next()
      switch signal {
      case .terminate, .interrupt:
        logger.info("stopping", metadata: ["signal": "\(signal.name)"])
        return
      case .hangUp:
        graph.reloadCertificates()
        logger.warning("certificates were read again; restart otlpd to use a changed configuration")
      }
    }
  }

  /// Tells this process from every other, also after a restart.
  private static let instanceID = String(UInt64.random(in: 1...UInt64.max), radix: 16)
}

extension ExitStatus {
  /// The status for an error that kept the daemon from starting.
  fileprivate init(startFailure error: any Error) {
    switch error {
    case is ListenError: self = .cannotListen
    case is TLSError, is AuthenticatorError: self = .unusableConfig
    case let error as StoreError: self.init(error.kind)
    case let error as JournalError: self.init(error)
    case let error as SystemError where error.isPermissionDenied: self = .noPermission
    default: self = .internalError
    }
  }

  private init(_ failure: StoreError.Kind) {
    switch failure {
    case .access: self = .noPermission
    case .inUse: self = .directoryInUse
    case .busy, .disk, .corrupt: self = .diskFailure
    // Starting again would not help: an older otlpd must not touch what a newer one wrote.
    case .newerSchema: self = .unusableConfig
    case .batch: self = .internalError
    }
  }

  private init(_ error: JournalError) {
    switch error {
    case .inUse: self = .directoryInUse
    case .incompatible: self = .unusableConfig
    case .failed(let error): self = error.isPermissionDenied ? .noPermission : .diskFailure
    }
  }
}
