// What a configuration comes to: every part of the daemon, described and not yet made.

internal import Admin
internal import Authenticators
internal import Config
internal import HTTPServer
internal import Journal
internal import OTLP
internal import Pipeline
internal import SelfTelemetry
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
    /// Who may send; nil for everybody.
    let authenticator: ComponentID?
    let cors: CORS?
    /// URL paths of the signals that a pipeline takes from it.
    let paths: [Signal: String]

    var tlsName: String { "\(id) http" }
  }

  /// An OTLP receiver's gRPC listener.
  struct GRPCReceiver: Sendable {
    let id: String
    let address: ListenAddress
    /// nil for plain text.
    let tls: TLSSettings?
    let limits: Limits
    /// Who may send; nil for everybody.
    let authenticator: ComponentID?
    /// Those that a pipeline takes from it.
    let signals: [Signal]

    var tlsName: String { "\(id) grpc" }
  }

  /// A port with otlpd's own pages.
  struct TelemetryPlan: Sendable {
    let address: ListenAddress
    /// How its readers spell the metrics.
    let naming: MetricNaming
  }

  /// An extension that answers on an address of its own.
  struct PagePlan: Sendable {
    let id: String
    let address: ListenAddress
    let isForStrangers: Bool
    let make: @Sendable (PageContext) -> HTTPHandler
  }

  /// A sink, made when the daemon starts.
  struct SinkPlan: Sendable {
    let id: String
    /// Those that a pipeline routes to it.
    let signals: [Signal]
    let delivery: DeliverySettings
    /// Those of them that it would send to otlpd itself, and therefore drops.
    let loops: [Signal]
    let make: @Sendable (SinkContext) -> any Sink
  }

  /// What holds for every listener.
  var limits: Limits
  /// How many bytes the requests in flight may take together.
  var memoryInFlightMax: Int
  /// The extensions that receivers name, by id.
  var authenticators: [ComponentID: any AuthenticatorConfig]
  var receivers: [Receiver]
  var grpcReceivers: [GRPCReceiver]
  var sinks: [SinkPlan]
  var pipelines: [PipelineSettings]
  var journal: JournalSettings
  /// Where `/metrics` is served besides the OTLP port.
  var telemetry: [TelemetryPlan]
  var pages: [PagePlan]
  /// Whether the query API has an address of its own; else it is where the metrics are.
  var hasAdmin: Bool
  var service: ServiceDescription
  /// Where the files are that the query API reads; nil when no pipeline has a `sqlite` exporter.
  var storeDirectory: String?

  /// Where other machines can connect, and are served in plain text, whoever they are.
  var exposedAddresses: [ListenAddress] {
    let plain =
      receivers.filter { $0.tls == nil && $0.authenticator == nil }.map(\.address)
      + grpcReceivers.filter { $0.tls == nil && $0.authenticator == nil }.map(\.address)
      + telemetry.map(\.address) + pages.filter { !$0.isForStrangers }.map(\.address)
    return plain.filter { !$0.isLocal }
  }

  /// How telemetry can come in.
  var transports: [Transport] { (receivers.isEmpty ? [] : [.http]) + (grpcReceivers.isEmpty ? [] : [.grpc]) }
}
