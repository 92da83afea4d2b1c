// The file's form of how otlpd's own metrics are read: `service: telemetry: metrics:`.

internal import Config

/// Finds the address of the Prometheus reader among the Collector's ways of saying it.
struct TelemetryMetricsConfig: ConfigBlock {
  /// nil when nothing shall listen.
  private(set) var listener: HostPort? = HostPort(host: "127.0.0.1", port: 8888)

  mutating func read(from map: MapReader) {
    var level = TelemetryLevel.normal
    map.read("level", into: &level)
    // The form of Collectors before 0.123.
    map.read("address", into: &listener)
    if let readers = map.value("readers")?.items() {
      // The Collector's words.
      map.require(
        !readers.isEmpty || level == .none, "readers",
        "collector telemetry metrics reader should exist when metric level is not none")
      readListeners(readers)
    }
    map.inert("views")
    if level == .none { listener = nil }
  }

  private mutating func readListeners(_ readers: [NodeReader]) {
    var found: [HostPort] = []
    for reader in readers {
      var metricReader = MetricReader()
      reader.read(into: &metricReader)
      if let address = metricReader.pull?.exporter.prometheus?.address {
        if !found.isEmpty { reader.warn("only the first Prometheus reader is served") }
        found.append(address)
      }
    }
    listener = found.first
  }

  private struct MetricReader: ConfigBlock {
    var pull: Pull?
    mutating func read(from map: MapReader) {
      map.read("pull", into: &pull)
      map.inert("periodic")
    }
  }

  private struct Pull: ConfigBlock {
    var exporter = PullExporter()
    mutating func read(from map: MapReader) { map.read("exporter", into: &exporter) }
  }

  private struct PullExporter: ConfigBlock {
    var prometheus: Prometheus?
    mutating func read(from map: MapReader) { map.read("prometheus", into: &prometheus, isOnWhenEmpty: true) }
  }

  private struct Prometheus: ConfigBlock {
    var host = "127.0.0.1"
    var port = 8888
    var address: HostPort { HostPort(host: host, port: port) }

    mutating func read(from map: MapReader) {
      map.read("host", into: &host)
      map.read("port", into: &port)
      map.require((0...65535).contains(port), "port", "must be between 0 and 65535")
      // What otlpd serves is always without these three.
      map.inert("without_scope_info", default: true)
      map.inert("without_units", default: true)
      map.inert("without_type_suffix", default: true)
      map.inert("with_resource_constant_labels")
      map.inert("translation_strategy", default: "")
    }
  }
}
