// `extensions:` of the file: the journal, the limits, and those of the Collector that are not built yet.

internal import Config

/// Reads otlpd's own blocks and names what is skipped.
struct ExtensionsSection {
  private(set) var journal = JournalConfig()
  private(set) var limits = LimitsConfig()
  /// Where each id stands.
  private(set) var positions: [ComponentID: SourcePosition] = [:]

  mutating func read(_ section: NodeReader?) {
    let kind = ComponentKind.extension
    for entry in section?.entries() ?? [] {
      guard let written = entry.key.parsed(entry.name) else { continue }
      let id = ComponentID(type: kind.aliases[written.type] ?? written.type, name: written.name)
      positions[id] = entry.key.node.position
      if kind.available.contains(id.type) {
        guard id.name.isEmpty else {
          entry.key.fail("there is only one; remove the name behind the slash")
          continue
        }
        if id.type == "limits" { entry.value.read(into: &limits) } else { entry.value.read(into: &journal) }
      } else if kind.isKnown(id.type) {
        entry.key.warn("extension \(quoted(id.type)) is not built into otlpd and skipped\(Self.replacement(id.type))")
      } else {
        entry.key.fail(kind.problem(with: written, canonical: id.type))
      }
    }
  }

  /// What otlpd has instead.
  private static func replacement(_ type: String) -> String {
    switch type {
    case "health_check": "; GET /healthz and /readyz on the OTLP port tell the state"
    case "file_storage", "db_storage": "; the journal is the queue of every sink"
    default: ""
    }
  }
}
