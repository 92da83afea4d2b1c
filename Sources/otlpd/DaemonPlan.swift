// What a configuration comes to: every part of the daemon, described and not yet made.

internal import HTTPServer
internal import Journal
internal import OTLP
internal import Pipeline
internal import Sinks

/// The daemon as values; `DaemonGraph` makes it run.
struct DaemonPlan: Sendable {
  /// An OTLP receiver with its HTTP listener.
  struct Receiver: Sendable {
    let id: String
    let address: ListenAddress
    let limits: Limits
    /// URL paths of the signals that a pipeline takes from it.
    let paths: [Signal: String]
  }

  /// A sink, made when the daemon starts.
  struct SinkPlan: Sendable {
    let id: String
    /// Those that a pipeline routes to it.
    let signals: [Signal]
    let delivery: DeliverySettings
    let make: @Sendable (SinkContext) -> any Sink
  }

  var receivers: [Receiver]
  var sinks: [SinkPlan]
  var pipelines: [PipelineSettings]
  var journal: JournalSettings
  /// Where `/metrics` is served besides the OTLP port; nil when it is switched off.
  var telemetryAddress: ListenAddress?
  /// Where the files are that the query API reads; nil when no pipeline has a `sqlite` exporter.
  var storeDirectory: String?
}
