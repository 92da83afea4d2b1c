// stub
internal import HTTPServer
internal import Journal
internal import Logging
internal import OTLP
internal import Pipeline
internal import Sinks
internal import System
struct Setup {
  let plan: DaemonPlan
  let dataDirectory = "/tmp/x"
  static func load(configPath: String?, dataDirectory: String?, environment: [String: String]) -> Setup? {
    Setup(plan: DaemonPlan(receivers: [.init(id: "otlp", address: ListenAddress(parsing: configPath ?? "127.0.0.1:4318")!, limits: Limits(), paths: [.traces: "/v1/traces", .metrics: "/v1/metrics", .logs: "/v1/logs"])], sinks: [.init(id: "nop", signals: Signal.allCases, delivery: DeliverySettings(), make: { _ in NopSink() })], pipelines: Signal.allCases.map { PipelineSettings(signal: $0, receivers: ["otlp"], sinks: ["nop"]) }, journal: JournalSettings(), telemetryAddress: nil))
  }
  func logger(clock: any Clock, environment: [String: String]) -> Logger { Logger(label: "otlpd") { _ in LineLogHandler(format: .logfmt, level: .info, clock: clock) } }
  func logFindings(to: Logger) {}
  func context(logger: Logger, clock: any Clock) -> SinkContext { SinkContext(version: Version.current, dataDirectory: dataDirectory, clock: clock, logger: logger) }
}
enum Validation { static func run(configPath: String?, dataDirectory: String?) -> ExitStatus { .success } }
