// The file's form of how otlpd's own metrics are read: `service: telemetry: metrics:`.

package import Config
package import SelfTelemetry

/// Finds the addresses of the Prometheus readers among the Collector's ways of saying it.
package struct TelemetryMetricsConfig: ConfigBlock, Equatable, Sendable {
  /// A page with the metrics, on an address of its own.
  package struct Listener: Equatable, Sendable {
    package var address = HostPort(host: "127.0.0.1", port: 8888)
    package var naming = MetricNaming()
  }

  package private(set) var level = TelemetryLevel.normal
  /// Empty when nothing shall listen.
  package private(set) var listeners = [Listener()]

  package init() {}

  package mutating func read(from map: MapReader) {
    map.read("level", into: &level)
    // The form of Collectors before 0.123.
    var address: HostPort?
    map.read("address", into: &address)
    if let address { listeners = [Listener(address: address)] }
    if let readers = map.value("readers")?.items() {
      // The Collector's words.
      map.require(
        !readers.isEmpty || level == .none, "readers",
        "collector telemetry metrics reader should exist when metric level is not none")
      readListeners(readers)
    }
    map.inert("views")
    if level == .none { listeners = [] }
  }

  private mutating func readListeners(_ readers: [NodeReader]) {
    listeners = []
    for reader in readers {
      var metricReader = MetricReader()
      reader.read(into: &metricReader)
      guard let listener = metricReader.pull?.exporter.prometheus?.listener else { continue }
      if listener.address.port != 0, listeners.contains(where: { $0.address == listener.address }) {
        reader.fail("another reader has the address \(listener.address)")
      }
      listeners.append(listener)
    }
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
    private var naming = MetricNaming()

    init() {}

    var listener: Listener { Listener(address: HostPort(host: host, port: port), naming: naming) }

    mutating func read(from map: MapReader) {
      map.read("host", into: &host)
      map.read("port", into: &port)
      map.require((0...65535).contains(port), "port", "must be between 0 and 65535")
      var (withoutUnits, withoutSuffix) = (true, true)
      map.read("without_units", into: &withoutUnits)
      map.read("without_type_suffix", into: &withoutSuffix)
      naming = MetricNaming(hasUnits: !withoutUnits, hasTypeSuffix: !withoutSuffix)
      var translation = Translation.none
      map.read("translation_strategy", into: &translation)
      if translation.hasSuffixes { naming = MetricNaming(hasUnits: true, hasTypeSuffix: true) }
      map.inert("without_scope_info", default: true)
      map.inert("with_resource_constant_labels")
    }
  }

  /// How names become Prometheus's; none of otlpd's needs escapes.
  private enum Translation: String, ConfigChoice {
    case none = ""
    case escapedWithSuffixes = "UnderscoreEscapingWithSuffixes"
    case escaped = "UnderscoreEscapingWithoutSuffixes"
    case withSuffixes = "NoUTF8EscapingWithSuffixes"
    case untranslated = "NoTranslation"

    var hasSuffixes: Bool { self == .escapedWithSuffixes || self == .withSuffixes }
  }
}
