// How a reader wants the metrics' names spelt.

/// The Collector's choices for its Prometheus page: dashboards ask for one spelling or the other.
package struct MetricNaming: Equatable, Sendable {
  /// `otelcol_process_uptime_seconds` instead of `otelcol_process_uptime`.
  package var hasUnits: Bool
  /// `otelcol_exporter_sent_spans_total` instead of `otelcol_exporter_sent_spans`.
  package var hasTypeSuffix: Bool

  package init(hasUnits: Bool = false, hasTypeSuffix: Bool = false) {
    self.hasUnits = hasUnits
    self.hasTypeSuffix = hasTypeSuffix
  }

  /// The units of those names that do not end with them anyway.
  private static let units = [
    "otelcol_process_uptime": "seconds", "otelcol_process_memory_rss": "bytes",
  ]

  func name(_ name: String, isCounter: Bool) -> String {
    var spelt = name
    if hasUnits, let unit = MetricNaming.units[name] { spelt += "_\(unit)" }
    if hasTypeSuffix, isCounter, !spelt.hasSuffix("_total") { spelt += "_total" }
    return spelt
  }
}
