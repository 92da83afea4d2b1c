// The life of the process: configuration, start, wait, stop, exit status.

internal import Authenticators
internal import Config
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
  static func run(sources: [ConfigSource], dataDirectory: String?, watchesConfig: Bool) -> ExitStatus {
    // Before any thread starts, so that all inherit the blocked signals.
    UnixSignals.take()
    ResourceLimits.raiseOpenFiles()
    Allocator.keepFreedMemory()
    let environment = ProcessStatistics.environment
    let clock = SystemClock()
    let load = { () throws(UnusableConfig) in
      try Setup(sources: sources, dataDirectory: dataDirectory, environment: environment)
    }
    var watch = watchesConfig ? ConfigWatch(sources) : nil
    let setup: Setup
    do throws(UnusableConfig) { setup = try load() } catch {
      error.explain()
      return .unusableConfig
    }
    let metrics = MetricRegistry()
    metrics.registerProcess(clock: clock)
    setup.apply(to: metrics)
    let log = LogWriter(setup.logSettings, clock: clock, metrics: metrics)
    let logger = log.logger
    setup.logFindings(to: logger)
    let manager = ServiceManager(environment: environment)
    do {
      let context = setup.sinkContext(metrics: metrics, logger: logger, clock: clock)
      Setup.warnOfExposure(setup.plan, logger)
      let graph = try DaemonGraph(
        setup.plan, context: context, passedSockets: PassedSockets(environment: environment), metrics: metrics,
        logger: logger, clock: clock)
      let addresses = try graph.start()
      logger.info("ready", metadata: ["version": "\(Version.current)", "data_dir": "\(setup.dataDirectory)"])
      let report = ServiceReport(manager: manager, reactor: graph.reactor, logger: logger) { graph.lags }
      try report.start(addresses: addresses)
      let reloader = Reloader(
        graph: graph, load: load, log: log, report: report, metrics: metrics, clock: clock)
      let isWhole = waitForStop(reloader, &watch, logger)
      report.stop()
      graph.beginStop()
      // A second SIGTERM or SIGINT ends the process at once.
      UnixSignals.release()
      graph.stop()
      logger.info("stopped")
      return graph.hasFailed ? .diskFailure : isWhole ? .success : .internalError
    } catch {
      logger.critical("\(error)")
      manager.notify("STATUS=\(error)")
      return ExitStatus(startFailure: error)
    }
  }

  /// - Returns: false when a sink was lost, and only a new start brings it back.
  private static func waitForStop(_ reloader: Reloader, _ watch: inout ConfigWatch?, _ logger: Logger) -> Bool {
    while true {
      // Without a watch, until a Unix signal arrives.
      let signal = UnixSignals.next(within: watch.map { _ in ConfigWatch.interval })
      switch signal {
      case .terminate, .interrupt:
        logger.info("stopping", metadata: ["signal": "\(signal?.name ?? "")"])
        return true
      case .hangUp:
        watch?.noteReload()
        guard reloader.reload() else { return false }
      case nil:
        guard let changed = watch?.look() else { continue }
        logger.info("the configuration has changed", metadata: ["files": "\(changed.joined(separator: ","))"])
        guard reloader.reload() else { return false }
      }
    }
  }
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
