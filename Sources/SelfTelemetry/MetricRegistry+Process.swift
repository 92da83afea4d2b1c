// The metrics that every process has, under the Collector's names.

/// Who the process says it is: the labels of `target_info`.
package struct ServiceIdentity: Sendable {
  package let name: String
  package let version: String
  /// Tells this process from every other, also after a restart.
  package let instanceID: String

  package init(name: String, version: String, instanceID: String) {
    self.name = name
    self.version = version
    self.instanceID = instanceID
  }
}

extension MetricRegistry {
  /// Registers the process metrics, which are read at each scrape.
  ///
  /// - Parameters:
  ///   - uptime: seconds since the start.
  ///   - cpuSeconds: user and system time so far.
  ///   - residentBytes: physical memory in use.
  package func registerProcess(
    _ identity: ServiceIdentity, uptime: @escaping @Sendable () -> Double,
    cpuSeconds: @escaping @Sendable () -> Double, residentBytes: @escaping @Sendable () -> Double
  ) {
    reading("otelcol_process_uptime", kind: .counter, help: "Seconds since the process started.", uptime)
    reading(
      "otelcol_process_cpu_seconds", kind: .counter, help: "CPU seconds used, user and system together.", cpuSeconds)
    reading("otelcol_process_memory_rss", help: "Bytes of physical memory in use.", residentBytes)
    reading(
      "target_info", help: "Who the process is; the value is always 1.",
      labels: [
        Label("service_name", identity.name), Label("service_version", identity.version),
        Label("service_instance_id", identity.instanceID),
      ]
    ) { 1 }
  }
}
