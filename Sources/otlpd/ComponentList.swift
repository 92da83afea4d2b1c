// `otlpd components`: what is built in, as YAML in the Collector's form.

internal import Config
internal import OTLP
internal import Sinks

enum ComponentList {
  /// The document.
  static var text: String {
    let signals = Signal.allCases.map(\.name).sorted()
    var text = """
      buildinfo:
        command: otlpd
        description: An OpenTelemetry collector
        version: \(Version.current)

      """
    for kind in [ComponentKind.receiver, .processor, .sink] {
      text += "\(kind.section):\n"
      for type in kind.available {
        let taken = kind == .sink ? signals.filter { sink(type, takes: $0) } : signals
        text += entry(type, taken)
      }
    }
    text += "connectors: []\nextensions:\n"
    for type in ComponentKind.extension.available { text += entry(type, ["extension"]) }
    text += "providers:\n" + ["env", "file", "yaml"].map { "  - scheme: \($0)\n" }.joined()
    return text
  }

  /// Nothing has been promised about a component before the first release.
  private static func entry(_ type: String, _ what: [String]) -> String {
    "  - name: \(type)\n    stability:\n" + what.map { "      \($0): Beta\n" }.joined()
  }

  private static func sink(_ type: String, takes signal: String) -> Bool {
    SinkTypes.all.first { $0.type == type }?.init().problem(with: signal) == nil
  }
}
