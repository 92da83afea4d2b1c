// The metrics that every process has, under the Collector's names.

extension MetricRegistry {
  package static let uptimeName = "otelcol_process_uptime"

  /// Registers the process metrics, which are read at each scrape.
  ///
  /// - Parameters:
  ///   - uptime: seconds since the start.
  ///   - cpuSeconds: user and system time so far.
  ///   - residentBytes: physical memory in use.
  package func registerProcess(
    uptime: @escaping @Sendable () -> Double,
    cpuSeconds: @escaping @Sendable () -> Double, residentBytes: @escaping @Sendable () -> Double
  ) {
    reading(MetricRegistry.uptimeName, kind: .counter, help: "Seconds since the process started.", uptime)
    reading(
      "otelcol_process_cpu_seconds", kind: .counter, help: "CPU seconds used, user and system together.", cpuSeconds)
    reading("otelcol_process_memory_rss", help: "Bytes of physical memory in use.", residentBytes)
  }

  /// Says who the process is: the labels of `target_info`, which take the place of those before.
  ///
  /// - Parameter attributes: by their names in OpenTelemetry: `service.name`.
  package func describeTarget(_ attributes: [String: String]) {
    var labels: [Label] = []
    for (name, value) in attributes.sorted(by: { $0.key < $1.key }) {
      let name = PrometheusText.labelName(name)
      if !labels.contains(where: { $0.name == name }) { labels.append(Label(name, value)) }
    }
    removeAll("target_info")
    reading("target_info", help: "Who the process is; the value is always 1.", labels: labels) { 1 }
  }
}
