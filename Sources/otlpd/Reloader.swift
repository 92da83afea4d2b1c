// Reads the configuration again while the daemon runs, and goes over to it when it can be used.

internal import Logging
internal import SelfTelemetry
internal import System

/// What SIGHUP does. Main thread.
struct Reloader {
  private let graph: DaemonGraph
  private let load: () throws(UnusableConfig) -> Setup
  private let log: LogWriter
  private let report: ServiceReport
  private let metrics: MetricRegistry
  private let logger: Logger
  private let clock: any Clock
  private let succeeded: Counter
  private let failed: Counter
  private let lastSuccess: Gauge
  private let isCurrent: Gauge

  /// - Parameter load: reads the configuration from where it was read at the start.
  init(
    graph: DaemonGraph, load: @escaping () throws(UnusableConfig) -> Setup, log: LogWriter,
    report: ServiceReport, metrics: MetricRegistry, clock: any Clock
  ) {
    self.graph = graph
    self.load = load
    self.log = log
    self.report = report
    self.metrics = metrics
    logger = log.logger
    self.clock = clock
    func reloads(_ result: String) -> Counter {
      metrics.counter(
        "otlpd_config_reloads", help: "Attempts to read the configuration again, by what came of them.",
        labels: [Label("result", result)])
    }
    succeeded = reloads("success")
    failed = reloads("failure")
    lastSuccess = metrics.gauge(
      "otlpd_config_last_load_time_seconds", help: "When the configuration that holds was read (Unix time).")
    isCurrent = metrics.gauge(
      "otlpd_config_last_reload_successful", help: "0 when the last attempt to read the configuration again failed.")
    noteSuccess()
  }

  private func noteSuccess() {
    lastSuccess.set(Int(clock.wall / 1_000_000_000))
    isCurrent.set(1)
  }

  /// Goes over to what the files say now. A configuration that cannot be used changes nothing.
  ///
  /// - Returns: false when the daemon is not what it was, and has to be started again.
  func reload() -> Bool {
    report.beginReload(at: clock.monotonic)
    var listening: [String]?
    defer { report.endReload(addresses: listening) }
    do {
      let setup = try load()
      let context = setup.sinkContext(metrics: metrics, logger: logger, clock: clock)
      listening = try graph.change(to: setup.plan, context)
      log.apply(setup.logSettings)
      setup.apply(to: metrics)
      setup.logFindings(to: logger)
      Setup.warnOfExposure(setup.plan, logger)
      logger.info("configuration reloaded")
      succeeded.add()
      noteSuccess()
      return true
    } catch let error as UnusableConfig {
      for problem in error.problems { logger.error("\(problem)") }
      for warning in error.warnings { logger.warning("\(warning)") }
      refuse("\(error)")
      return true
    } catch let error as SinkLost {
      refuse("\(error)")
      logger.critical("stopping, so that a new start can bring the sink back", metadata: ["sink": "\(error.sink)"])
      return false
    } catch {
      refuse("\(error)")
      return true
    }
  }

  private func refuse(_ reason: String) {
    logger.error("the configuration was not reloaded; the one before stays in use", metadata: ["error": "\(reason)"])
    failed.add()
    isCurrent.set(0)
  }
}
