// What the server counts of itself.

internal import HTTP2
internal import SelfTelemetry

/// The counters of the HTTP servers; two servers of one registry count together.
// A class, so that counting a request does not copy all of it.
final class HTTPMetrics: Sendable {
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
  private let offences: [(offence: HTTP2Offence, counter: Counter)]

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
    offences = HTTP2Offence.allCases.map { offence in
      let counter = registry.counter(
        "otlpd_http2_connections_ended", help: "HTTP/2 connections ended because of what the client did.",
        labels: [Label("reason", offence.rawValue)])
      return (offence, counter)
    }
  }

  func http2Ended(_ offence: HTTP2Offence) {
    for entry in offences where entry.offence == offence { entry.counter.add() }
  }

  func requestAnswered(_ status: Int) {
    for entry in byStatus where entry.status == status { return entry.counter.add() }
    other.add()
  }
}
