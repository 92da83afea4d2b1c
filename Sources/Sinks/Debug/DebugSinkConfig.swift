// The file's form of the `debug` sink.

package import Config

/// `exporters: debug:`.
package struct DebugSinkConfig: SinkConfig {
  package static let type = "debug"
  package static let durability = SinkDurability.bestEffort

  package var verbosity = Verbosity.basic
  package var usesInternalLogger = true
  package var delivery = SinkDeliveryConfig()

  package init() {}

  package mutating func read(from map: MapReader) {
    map.read("verbosity", into: &verbosity)
    if verbosity == .detailed {
      map.warn("verbosity", "detailed is not built into this version of otlpd; it prints like normal")
    }
    map.read("use_internal_logger", into: &usesInternalLogger)
    var outputPaths: [String]?
    map.read("output_paths", into: &outputPaths)
    if let outputPaths {
      map.require(
        !usesInternalLogger, "output_paths", "output_paths requires use_internal_logger to be set to false")
      if outputPaths != ["stdout"] { map.noteInert("output_paths") }
    }
    map.inert("sampling_initial", default: 2)
    map.inert("sampling_thereafter", default: 1)
    delivery.read(from: map)
  }

  /// The same for the code.
  package var settings: DebugSettings {
    let detail: DebugSettings.Verbosity =
      switch verbosity {
      case .basic: .basic
      case .normal: .normal
      case .detailed: .detailed
      }
    return DebugSettings(verbosity: detail, usesLogger: usesInternalLogger)
  }

  /// The Collector's levels of detail.
  package enum Verbosity: String, ConfigChoice {
    case basic, normal, detailed
    package static var ignoresCase: Bool { true }
  }
}
