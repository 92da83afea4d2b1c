// The file's form of otlpd's own log: `service: telemetry: logs:`.

package import Config

/// What is logged, where, and in which form.
package struct TelemetryLogsConfig: ConfigBlock, Equatable, Sendable {
  package var level = Level.info
  package var encoding = Encoding.console
  /// `stderr`, `stdout`, or the paths of files.
  package var outputPaths = ["stderr"]
  /// Added to every line.
  package var initialFields: [String: String] = [:]
  package var sampling = LogSampler.Settings()

  package init() {}

  package mutating func read(from map: MapReader) {
    map.read("level", into: &level)
    map.read("encoding", into: &encoding)
    map.read("output_paths", into: &outputPaths)
    outputPaths = outputPaths.map { $0.hasPrefix("file://") ? String($0.dropFirst("file://".count)) : $0 }
    map.require(!outputPaths.contains { $0.isEmpty }, "output_paths", "a path must not be empty")
    for entry in map.value("initial_fields")?.entries() ?? [] {
      guard let text = entry.value.text(expected: "a text") else { continue }
      initialFields[entry.name] = text
    }
    map.read("sampling", into: &sampling)
    // There are no callers and no stack traces in otlpd's lines, whatever these say.
    var isLeftOut = false
    map.read("disable_caller", into: &isLeftOut)
    map.read("disable_stacktrace", into: &isLeftOut)
    map.inert("development", default: false)
    map.inert("error_output_paths", default: ["stderr"])
    map.inert("processors")
  }

  /// The Collector's levels.
  package enum Level: String, ConfigChoice {
    case debug, info, warn, error, dpanic, panic, fatal
    package static var ignoresCase: Bool { true }
  }

  package enum Encoding: String, ConfigChoice {
    case console, json
  }
}

extension LogSampler.Settings: ConfigBlock {
  package mutating func read(from map: MapReader) {
    map.read("enabled", into: &isOn)
    map.read("tick", into: &tick)
    map.require(tick > .zero, "tick", "must be greater than zero")
    map.read("initial", into: &initial)
    map.require(initial >= 0, "initial", "must not be negative, found \(initial)")
    map.read("thereafter", into: &thereafter)
    map.require(thereafter >= 0, "thereafter", "must not be negative, found \(thereafter)")
  }
}
