// The kinds of components, the types that are built in, and those the Collector has besides.

internal import Admin
internal import Authenticators
internal import Config
internal import Processors
internal import Sinks

/// What a section of the file holds.
enum ComponentKind: Sendable {
  case receiver, processor, sink, connector, `extension`

  /// The key of the section.
  var section: String {
    switch self {
    case .receiver: "receivers"
    case .processor: "processors"
    case .sink: "exporters"
    case .connector: "connectors"
    case .extension: "extensions"
    }
  }

  /// The file's word for one of them.
  var word: String { String(section.dropLast()) }

  /// The types that are built in.
  var available: [String] {
    switch self {
    case .receiver: ["otlp"]
    case .processor: ProcessorTypes.all.map { $0.type }.sorted()
    case .sink: SinkTypes.all.map { $0.type }.sorted()
    case .connector: []
    case .extension:
      (["journal", "limits"] + AuthenticatorTypes.all.map { $0.type } + PageExtensionTypes.all.map { $0.type }).sorted()
    }
  }

  /// Present names by other names.
  var aliases: [String: String] {
    switch self {
    case .sink: SinkTypes.aliases
    case .extension: ["healthcheckv2": "health_check"]
    default: [:]
    }
  }

  /// Types that the Collector's distributions have.
  private var collectorTypes: Set<String> {
    switch self {
    case .receiver: CollectorTypes.receivers
    case .processor: CollectorTypes.processors
    case .sink: CollectorTypes.exporters
    case .connector: CollectorTypes.connectors
    case .extension: CollectorTypes.extensions
    }
  }

  /// Known to the Collector; underscores in names came and went.
  func isKnown(_ type: String) -> Bool {
    let folded = type.filter { $0 != "_" }
    return collectorTypes.contains { $0.filter { $0 != "_" } == folded }
  }

  /// Why a type cannot be used.
  func problem(with id: ComponentID, canonical: String) -> String {
    let list = available.isEmpty ? "otlpd has none yet" : "available: \(available.joined(separator: ", "))"
    if isKnown(canonical) || isKnown(id.type) {
      return "\(word) \(quoted(id.type)) is not built into otlpd; \(list)"
    }
    let ours = suggestion(for: id.type, among: available)
    let hint = ours.isEmpty ? suggestion(for: id.type, among: collectorTypes) : ours
    // The Collector's words, then ours.
    return "unknown type: \(quoted(id.type)) for id: \(quoted("\(id)"))\(hint) (\(list))"
  }
}
