// What a configuration comes to: every part of the daemon, described and not yet made.

internal import HTTPServer
internal import Journal
internal import OTLP
internal import Pipeline
internal import Sinks
internal import TLS

/// The daemon as values; `DaemonGraph` makes it run.
struct DaemonPlan: Sendable {
  /// An OTLP receiver with its HTTP listener.
  struct Receiver: Sendable {
    let id: String
    let address: ListenAddress
    /// nil for plain text.
    let tls: TLSSettings?
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

  /// What holds for every listener.
  var limits: Limits
  /// How many bytes the requests in flight may take together.
  var memoryInFlightMax: Int
  var receivers: [Receiver]
  var sinks: [SinkPlan]
  var pipelines: [PipelineSettings]
  var journal: JournalSettings
  /// Where `/metrics` is served besides the OTLP port; nil when it is switched off.
  var telemetryAddress: ListenAddress?
  /// Where the files are that the query API reads; nil when no pipeline has a `sqlite` exporter.
  var storeDirectory: String?

  /// Where other machines can connect, and are served in plain text.
  var exposedAddresses: [ListenAddress] {
    let plain = receivers.filter { $0.tls == nil }.map(\.address) + (telemetryAddress.map { [$0] } ?? [])
    return plain.filter { !$0.isLocal }
  }
}
