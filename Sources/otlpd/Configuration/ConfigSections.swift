// The file's top level: reads each section, then holds the pipelines against them.

internal import Config
internal import OTLP
internal import Processors
internal import Receivers
internal import Sinks

/// The sections as they stand, with what is needed to complain about them together.
struct ConfigSections: ConfigBlock {
  var receivers = ComponentSection<OTLPReceiverConfig>()
  var processors = ComponentSection<AnyProcessorConfig>()
  var sinks = ComponentSection<AnySinkConfig>()
  var connectors: Set<ComponentID> = []
  var extensions = ExtensionsSection()
  var service = ServiceConfig()
  /// The extensions that the service names, in its order.
  private(set) var started: [ComponentID] = []
  var pipelines: [PipelineConfig] = []

  mutating func read(from map: MapReader) {
    let receiversMap = map.value("receivers")
    let sinksMap = map.value("exporters")
    receivers.read(receiversMap, of: .receiver)
    processors.read(map.value("processors"), of: .processor)
    sinks.read(sinksMap, of: .sink)
    var connectorSection = ComponentSection<NoConfig>()
    connectorSection.read(map.value("connectors"), of: .connector)
    connectors = Set(connectorSection.positions.keys)
    extensions.read(map.value("extensions"))
    // The Collector's words.
    map.require(!receivers.positions.isEmpty, "receivers", "no receiver configuration specified in config")
    map.require(!sinks.positions.isEmpty, "exporters", "no exporter configuration specified in config")
    // So that the journal can name all of them, with ids of 255 bytes, in one record.
    map.require(
      sinks.positions.count <= 250, "exporters", "at most 250 exporters are possible, found \(sinks.positions.count)")
    map.read("service", into: &service)
    readExtensionReferences()
    checkAuthenticators(started: Set(started), diagnostics: map.diagnostics)
    readPipelines(map)
  }

  private mutating func readExtensionReferences() {
    for reference in service.extensionReferences {
      guard let id = reference.componentID(aliases: ComponentKind.extension.aliases) else { continue }
      if !started.contains(id) { started.append(id) }
      if extensions.positions[id] == nil {
        reference.fail("references extension \(quoted(reference.node.text)) which is not configured")
      }
    }
  }

  private func checkAuthenticators(started: Set<ComponentID>, diagnostics: ConfigDiagnostics) {
    func check(_ auth: AuthConfig?, of user: AuthenticatorUser, _ position: SourcePosition?, _ path: String) {
      guard let auth, !auth.authenticator.isEmpty,
        let problem = extensions.problem(withAuthenticator: auth.authenticator, of: user, started: started)
      else { return }
      diagnostics.error(ConfigProblem(position: position, path: "\(path)::auth", message: problem))
    }
    for (id, sink) in sinks.configs { check(sink.config.auth, of: .exporter, sinks.positions[id], "exporters::\(id)") }
    for (id, receiver) in receivers.configs {
      let (position, path) = (receivers.positions[id], "receivers::\(id)::protocols")
      check(receiver.http?.auth, of: .receiver, position, "\(path)::http")
      check(receiver.grpc?.auth, of: .receiver, position, "\(path)::grpc")
    }
  }

  private mutating func readPipelines(_ map: MapReader) {
    guard let reader = service.pipelinesReader, let entries = reader.entries(), !entries.isEmpty else {
      map.fail("service", "service must have at least one pipeline")
      return
    }
    for entry in entries {
      var pipeline = PipelineSection()
      entry.value.read(into: &pipeline)
      guard let signal = PipelineConfig.signal(of: entry.name, entry.key) else { continue }
      let receiverIDs = pipeline.resolve(.receiver, among: Set(receivers.positions.keys).union(connectors), entry.value)
      let processorIDs = pipeline.resolve(.processor, among: Set(processors.positions.keys), entry.value)
      let sinkIDs = pipeline.resolve(.sink, among: Set(sinks.positions.keys).union(connectors), entry.value)
      for id in sinkIDs {
        guard let problem = sinks.configs[id]?.config.problem(with: signal.name) else { continue }
        entry.value.fail("references exporter \(quoted("\(id)")), which \(problem)")
      }
      pipelines.append(
        PipelineConfig(id: entry.name, signal: signal, receivers: receiverIDs, processors: processorIDs, sinks: sinkIDs)
      )
    }
  }

  /// Warns about components that no pipeline uses: allowed, and often a mistake.
  func reportUnused(to diagnostics: ConfigDiagnostics) {
    func report(_ kind: ComponentKind, _ positions: [ComponentID: SourcePosition], _ used: [ComponentID]) {
      for (id, position) in positions where !used.contains(id) {
        diagnostics.warn(
          ConfigProblem(
            position: position, path: "\(kind.section)::\(id)", message: "is not used by any pipeline and not started"))
      }
    }
    for id in (Array(extensions.pages.keys) + extensions.authenticators.keys).sorted() where !started.contains(id) {
      diagnostics.warn(
        ConfigProblem(
          position: extensions.positions[id], path: "extensions::\(id)",
          message: "is not in `service: extensions` and not started"))
    }
    report(.receiver, receivers.positions, pipelines.flatMap(\.receivers))
    report(.processor, processors.positions, pipelines.flatMap(\.processors))
    report(.sink, sinks.positions, pipelines.flatMap(\.sinks))
  }
}
