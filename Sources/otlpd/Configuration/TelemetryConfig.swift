// The file's form of what otlpd says about itself: `service: telemetry:`.

package import Config

/// The log, the pages with metrics, and under which name.
package struct TelemetryConfig: ConfigBlock, Equatable, Sendable {
  package var logs = TelemetryLogsConfig()
  package var metrics = TelemetryMetricsConfig()
  package var resource = TelemetryResourceConfig()

  package init() {}

  package mutating func read(from map: MapReader) {
    map.read("logs", into: &logs)
    map.read("metrics", into: &metrics)
    var traces = Traces()
    map.read("traces", into: &traces)
    if let reader = map.value("resource") { resource.read(reader) }
  }

  private struct Traces: ConfigBlock {
    mutating func read(from map: MapReader) {
      map.inert("level", default: TelemetryLevel.normal)
      map.inert("propagators", default: [String]())
      map.inert("processors")
    }
  }
}

/// How much telemetry otlpd makes of itself.
package enum TelemetryLevel: String, ConfigChoice {
  case none, basic, normal, detailed
  package static var ignoresCase: Bool { true }
}

/// `resource:`, the attributes of otlpd itself: a map of texts, or the list `attributes` of names and values.
package struct TelemetryResourceConfig: Equatable, Sendable {
  /// nil takes an attribute away.
  package private(set) var attributes: [String: String?] = [:]

  package init() {}

  mutating func read(_ reader: NodeReader) {
    for entry in reader.entries() ?? [] {
      switch entry.name {
      case "attributes":
        for item in entry.value.items() ?? [] {
          var attribute = Attribute()
          item.read(into: &attribute)
          set(attribute.name, attribute.value)
        }
      case "schema_url", "detectors":
        reader.diagnostics.noteInert(entry.key.path, at: entry.key.node.position)
      default:
        if entry.value.node.isNull {
          attributes[entry.name] = .some(nil)
        } else if let text = entry.value.text(expected: "a text") {
          set(entry.name, text)
        }
      }
    }
  }

  private mutating func set(_ name: String, _ value: String?) { attributes[name] = .some(value) }

  private struct Attribute: ConfigBlock {
    var name = ""
    var value: String?

    mutating func read(from map: MapReader) {
      map.read("name", into: &name)
      map.require(!name.isEmpty, "name", "an attribute needs a name")
      map.read("value", into: &value)
      map.inert("type", default: "string")
    }
  }
}
