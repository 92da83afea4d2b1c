// `extensions:` of the file: the journal, the limits, the authenticators, the pages, and what is not built yet.

internal import Admin
internal import Authenticators
internal import Config

/// Who names an authenticator.
enum AuthenticatorUser {
  case exporter, receiver

  /// Why there is no going on without.
  fileprivate var need: String {
    switch self {
    case .exporter: "sending without credentials would be refused by the other side"
    case .receiver: "taking requests from anybody instead would be unsafe"
    }
  }
}

/// Reads the blocks of those that are built, and names what is skipped.
struct ExtensionsSection {
  private(set) var journal = JournalConfig()
  private(set) var limits = LimitsConfig()
  private(set) var authenticators: [ComponentID: any AuthenticatorConfig] = [:]
  private(set) var pages: [ComponentID: any PageExtensionConfig] = [:]
  /// Where each id stands.
  private(set) var positions: [ComponentID: SourcePosition] = [:]

  mutating func read(_ section: NodeReader?) {
    let kind = ComponentKind.extension
    for entry in section?.entries() ?? [] {
      guard let written = entry.key.parsed(entry.name) else { continue }
      let id = ComponentID(type: kind.aliases[written.type] ?? written.type, name: written.name)
      positions[id] = entry.key.node.position
      if let type = AuthenticatorTypes.all.first(where: { $0.type == id.type }) {
        authenticators[id] = Self.authenticator(type, entry.value)
      } else if let type = PageExtensionTypes.all.first(where: { $0.type == id.type }) {
        pages[id] = Self.page(type, entry.value)
      } else if kind.available.contains(id.type) {
        guard id.name.isEmpty else {
          entry.key.fail("there is only one; remove the name behind the slash")
          continue
        }
        if id.type == "limits" { entry.value.read(into: &limits) } else { entry.value.read(into: &journal) }
      } else if kind.isKnown(id.type) {
        entry.value.diagnostics.noteUnread(entry.value.path)
        entry.key.warn("extension \(quoted(id.type)) is not built into otlpd and skipped\(Self.replacement(id.type))")
      } else {
        entry.key.fail(kind.problem(with: written, canonical: id.type))
      }
    }
  }

  private static func authenticator(
    _ type: any AuthenticatorConfig.Type, _ reader: NodeReader
  ) -> any AuthenticatorConfig {
    var config = type.init()
    reader.read(into: &config)
    return config
  }

  private static func page(_ type: any PageExtensionConfig.Type, _ reader: NodeReader) -> any PageExtensionConfig {
    var config = type.init()
    reader.read(into: &config)
    return config
  }

  /// Why a component cannot use the extension that it names; nil when it can.
  ///
  /// - Parameter started: the ids of `service: extensions:`.
  func problem(
    withAuthenticator name: String, of user: AuthenticatorUser, started: Set<ComponentID>
  ) -> String? {
    guard let id = try? ComponentID(parsing: name) else { return "\(quoted(name)) is no id of a component" }
    guard positions[id] != nil else {
      let hint = suggestion(for: name, among: positions.keys.map(\.description))
      return "authenticator \(quoted(name)) is not configured\(hint); add it to `extensions`"
    }
    guard let config = authenticators[id] else {
      let list = AuthenticatorTypes.all.map { $0.type }.joined(separator: ", ")
      return "authenticator \(quoted(name)) cannot be used: it is no authenticator that is built into otlpd, and "
        + "\(user.need); available: \(list)"
    }
    let problem = user == .exporter ? config.clientProblem : config.serverProblem
    if let problem { return "authenticator \(quoted(name)) \(problem)" }
    if !started.contains(id) { return "authenticator \(quoted(name)) is not started; add it to `service: extensions`" }
    return nil
  }

  /// What otlpd has instead.
  private static func replacement(_ type: String) -> String {
    switch type {
    case "file_storage", "db_storage": "; the journal is the queue of every sink"
    default: ""
    }
  }
}
