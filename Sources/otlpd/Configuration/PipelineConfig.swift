// One pipeline of the file, and its references held against the sections.

package import Config
package import OTLP

/// Which receivers' telemetry of one signal goes through which processors to which sinks.
package struct PipelineConfig: Equatable, Sendable {
  /// As in the file: `traces`, `traces/archive`.
  package let id: String
  package let signal: Signal
  package let receivers: [ComponentID]
  /// In the order in which they run.
  package let processors: [ComponentID]
  package let sinks: [ComponentID]

  /// The signal in a pipeline's id; nil after complaining.
  static func signal(of id: String, _ reader: NodeReader) -> Signal? {
    guard let parsed = reader.parsed(id) else { return nil }
    if let signal = Signal.allCases.first(where: { $0.name == parsed.type }) { return signal }
    let names = Signal.allCases.map(\.name)
    if parsed.type == "profiles" {
      reader.fail("profiles are not supported by otlpd yet; supported: \(names.joined(separator: ", "))")
    } else {
      reader.fail(
        "unknown signal \(quoted(parsed.type))\(suggestion(for: parsed.type, among: names))"
          + " (supported: \(names.joined(separator: ", ")))")
    }
    return nil
  }
}

/// A pipeline's block as it stands in the file.
struct PipelineSection: ConfigBlock {
  private var references: [String: [NodeReader]] = [:]

  mutating func read(from map: MapReader) {
    for kind in [ComponentKind.receiver, .processor, .sink] {
      references[kind.section] = map.value(kind.section)?.items() ?? []
    }
  }

  /// The components that the list of a kind refers to; complains about those that do not exist or stand there twice.
  func resolve(_ kind: ComponentKind, among declared: Set<ComponentID>, _ pipeline: NodeReader) -> [ComponentID] {
    let list = references[kind.section] ?? []
    if list.isEmpty, kind != .processor { pipeline.fail("must have at least one \(kind.word)") }
    var ids: [ComponentID] = []
    for reference in list {
      guard let id = reference.componentID(aliases: kind.aliases) else { continue }
      let name = quoted(reference.node.text)
      func fail(_ message: String) {
        pipeline.diagnostics.error(
          ConfigProblem(position: reference.node.position, path: pipeline.path, message: message))
      }
      if ids.contains(id) {
        fail("references \(kind.word) \(name) multiple times")
      } else if declared.contains(id) {
        ids.append(id)
      } else {
        let hint = suggestion(for: reference.node.text, among: declared.map(\.description))
        fail("references \(kind.word) \(name) which is not configured\(hint)")
      }
    }
    return ids
  }
}
