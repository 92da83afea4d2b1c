// Reads a config text the way the daemon does, for the tests of messages and values.

import Config
import otlpd

/// What reading a text came to.
struct ConfigFixture {
  let config: CollectorConfig?
  let diagnostics: ConfigDiagnostics

  init(_ text: String, environment: [String: String] = [:], recordsKnownPaths: Bool = false) {
    diagnostics = ConfigDiagnostics(recordsKnownPaths: recordsKnownPaths)
    config = CollectorConfig(
      Array(text.utf8), file: "t.yaml", sources: ExpansionSources(environment: environment), diagnostics: diagnostics)
  }

  var errors: [String] { diagnostics.errors.map(\.description) }
  var warnings: [String] { diagnostics.warnings.map(\.description) }
  /// Paths of the keys without effect.
  var inert: [String] { diagnostics.inertKeys.map(\.path) }

  /// A complete config around one receiver and one sink block, indented by four.
  static func text(
    http: String = "", sink: String = "nop:", processors: String = "", list: String = "", extra: String = ""
  ) -> String {
    let id = sink.prefix { $0 != ":" && $0 != "\n" }
    return """
      receivers:
        otlp:
          protocols:
            http:
      \(indented(http, by: 8))
      processors:
      \(indented(processors, by: 2))
      exporters:
      \(indented(sink, by: 2))
      service:
        pipelines:
          traces:
            receivers: [otlp]
            processors: [\(list)]
            exporters: [\(id)]
      \(extra)
      """
  }

  private static func indented(_ text: String, by count: Int) -> String {
    text.split(separator: "\n").map { String(repeating: " ", count: count) + $0 }.joined(separator: "\n")
  }
}
