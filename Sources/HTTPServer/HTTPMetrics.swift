// What the server counts of itself.

internal import SelfTelemetry

/// The counters of the HTTP servers; two servers of one registry count together.
struct HTTPMetrics: Sendable {
  /// Statuses with a counter of their own, the common one first; anything else counts as `other`.
  private static let statuses = [
    200, 503, 400, 404, 405, 408, 413, 414, 415, 417, 429, 431, 401, 403, 500, 501, 505, 204,
  ]

  /// How many connections are open.
  let connections: Gauge
  /// Connections that were turned away: there were too many.
  let refusedByLimit: Counter
  /// Connections that were turned away: there were too many from their address.
  let refusedByAddressLimit: Counter
  /// How often connections had to wait because descriptors ran out.
  let acceptPauses: Counter
  private let byStatus: [(status: Int, counter: Counter)]
  private let other: Counter

  init(_ registry: MetricRegistry) {
    connections = registry.gauge("otlpd_connections", help: "Open HTTP connections.")
    let refusedHelp = "Connections that were not taken: too many were open, or no file descriptor was left."
    refusedByLimit = registry.counter(
      "otlpd_connections_refused", help: refusedHelp, labels: [Label("reason", "limit")])
    refusedByAddressLimit = registry.counter(
      "otlpd_connections_refused", help: refusedHelp, labels: [Label("reason", "address_limit")])
    acceptPauses = registry.counter(
      "otlpd_connections_refused", help: refusedHelp, labels: [Label("reason", "descriptors")])
    func requests(_ code: String) -> Counter {
      registry.counter(
        "otlpd_http_requests", help: "HTTP requests answered, by status code.", labels: [Label("code", code)])
    }
    byStatus = HTTPMetrics.statuses.map { ($0, requests(String($0))) }
    other = requests("other")
  }

  func requestAnswered(_ status: Int) {
    for entry in byStatus where entry.status == status { return entry.counter.add() }
    other.add()
  }
}
