// The file's form of what otlpd says about itself: `service: telemetry:`.

package import Config

/// Log lines and the address of `/metrics`.
package struct TelemetryConfig: ConfigBlock, Equatable, Sendable {
  package var logLevel = LogLevel.info
  package var logEncoding = LogEncoding.console
  /// Where `/metrics` is served besides the OTLP port; nil when `metrics: level: none` switches it off.
  package var metricsListener: HostPort? = HostPort(host: "127.0.0.1", port: 8888)

  package init() {}

  package mutating func read(from map: MapReader) {
    var logs = Logs(level: logLevel, encoding: logEncoding)
    map.read("logs", into: &logs)
    logLevel = logs.level
    logEncoding = logs.encoding
    var metrics = TelemetryMetricsConfig()
    map.read("metrics", into: &metrics)
    metricsListener = metrics.listener
    var traces = Traces()
    map.read("traces", into: &traces)
    map.inert("resource")
  }

  /// The Collector's levels.
  package enum LogLevel: String, ConfigChoice {
    case debug, info, warn, error, dpanic, panic, fatal
    package static var ignoresCase: Bool { true }
  }

  package enum LogEncoding: String, ConfigChoice {
    case console, json
  }

  private struct Logs: ConfigBlock {
    var level = LogLevel.info
    var encoding = LogEncoding.console

    mutating func read(from map: MapReader) {
      map.read("level", into: &level)
      map.read("encoding", into: &encoding)
      map.inert("development", default: false)
      map.inert("disable_caller", default: false)
      map.inert("disable_stacktrace", default: false)
      var sampling = Sampling()
      map.read("sampling", into: &sampling)
      map.inert("output_paths", default: ["stderr"])
      map.inert("error_output_paths", default: ["stderr"])
      map.inert("initial_fields")
      map.inert("processors")
    }
  }

  private struct Sampling: ConfigBlock {
    mutating func read(from map: MapReader) {
      map.inert("enabled", default: true)
      map.inert("tick", default: Duration.seconds(10))
      map.inert("initial", default: 10)
      map.inert("thereafter", default: 100)
    }
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
enum TelemetryLevel: String, ConfigChoice {
  case none, basic, normal, detailed
  static var ignoresCase: Bool { true }
}
