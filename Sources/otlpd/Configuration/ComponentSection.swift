// One section of components, `receivers:` for example: ids, types, and each component's part.

internal import Config
internal import Processors
internal import Receivers
internal import Sinks

/// What can be read from a component's part of the file, once its type is known.
protocol ComponentConfig {
  static func decode(type: String, _ reader: NodeReader) -> Self?
}

/// The components of one kind.
struct ComponentSection<Component: ComponentConfig> {
  private(set) var configs: [ComponentID: Component] = [:]
  /// Where each id stands, also of those whose type is not built.
  private(set) var positions: [ComponentID: SourcePosition] = [:]

  mutating func read(_ section: NodeReader?, of kind: ComponentKind) {
    for entry in section?.entries() ?? [] {
      guard let written = entry.key.parsed(entry.name) else { continue }
      let id = ComponentID(type: kind.aliases[written.type] ?? written.type, name: written.name)
      guard positions[id] == nil else {
        entry.key.fail("is the same as \(quoted("\(id)")), which is already configured")
        continue
      }
      positions[id] = entry.key.node.position
      if kind.available.contains(id.type) {
        configs[id] = Component.decode(type: id.type, entry.value)
        if written.type == "logging" {
          entry.key.warn("logging is the old name of debug; rename it")
        }
      } else {
        entry.key.fail(kind.problem(with: written, canonical: id.type))
      }
    }
  }
}

extension OTLPReceiverConfig: ComponentConfig {
  static func decode(type: String, _ reader: NodeReader) -> OTLPReceiverConfig? {
    var config = OTLPReceiverConfig()
    reader.read(into: &config)
    return config
  }
}

/// A sink's config of whatever type.
struct AnySinkConfig: ComponentConfig {
  let config: any SinkConfig

  static func decode(type: String, _ reader: NodeReader) -> AnySinkConfig? {
    SinkTypes.all.first { $0.type == type }.map { AnySinkConfig(config: read($0, reader)) }
  }

  private static func read<Config: SinkConfig>(_: Config.Type, _ reader: NodeReader) -> any SinkConfig {
    var config = Config()
    reader.read(into: &config)
    return config
  }
}

/// A processor's config of whatever type.
struct AnyProcessorConfig: ComponentConfig {
  let config: any ProcessorConfig

  static func decode(type: String, _ reader: NodeReader) -> AnyProcessorConfig? {
    ProcessorTypes.all.first { $0.type == type }.map { AnyProcessorConfig(config: read($0, reader)) }
  }

  private static func read<Config: ProcessorConfig>(_: Config.Type, _ reader: NodeReader) -> any ProcessorConfig {
    var config = Config()
    reader.read(into: &config)
    return config
  }
}

/// For sections none of whose types is built.
struct NoConfig: ComponentConfig {
  static func decode(type: String, _ reader: NodeReader) -> NoConfig? { nil }
}

extension NodeReader {
  /// A component id from a key or a list item; nil after complaining.
  func parsed(_ text: String) -> ComponentID? {
    do throws(ComponentIDError) {
      return try ComponentID(parsing: text)
    } catch {
      fail(error.message)
      return nil
    }
  }

  /// The component that a list item refers to, under the type's present name.
  func componentID(aliases: [String: String]) -> ComponentID? {
    guard let written = text(expected: "the id of a component").flatMap(parsed) else { return nil }
    return ComponentID(type: aliases[written.type] ?? written.type, name: written.name)
  }
}
