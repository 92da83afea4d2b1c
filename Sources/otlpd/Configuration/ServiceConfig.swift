// `service:` of the file: which extensions and pipelines run, and what otlpd says about itself.

internal import Config

/// The section with its references still unresolved.
struct ServiceConfig: ConfigBlock {
  var telemetry = TelemetryConfig()
  private(set) var extensionReferences: [NodeReader] = []
  private(set) var pipelinesReader: NodeReader?

  mutating func read(from map: MapReader) {
    extensionReferences = map.value("extensions")?.items() ?? []
    map.read("telemetry", into: &telemetry)
    pipelinesReader = map.value("pipelines")
  }
}
