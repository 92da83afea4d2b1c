// What lives as long as the process, whatever configurations come and go.

internal import Admin
internal import HTTPServer
internal import Journal
internal import Logging
internal import SelfTelemetry
internal import System

/// The parts that every generation is built on.
struct DaemonBase: Sendable {
  let journal: Journal
  /// Memory and connections that all listeners share.
  let shared: SharedResources
  let queryThreads: QueryThreads
  let metrics: MetricRegistry
  let logger: Logger
  let clock: any Clock
  /// Whether requests are taken.
  let readiness: @Sendable () -> AdminEndpoints.Readiness
}
