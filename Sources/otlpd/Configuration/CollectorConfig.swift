// The config file as values: every component's part, the pipelines, the journal and otlpd's own telemetry.

package import Authenticators
package import Config
package import Processors
package import Receivers
package import Sinks

/// A file that was read without errors.
package struct CollectorConfig: Sendable {
  package let receivers: [ComponentID: OTLPReceiverConfig]
  package let processors: [ComponentID: any ProcessorConfig]
  package let sinks: [ComponentID: any SinkConfig]
  package let authenticators: [ComponentID: any AuthenticatorConfig]
  package let journal: JournalConfig
  package let limits: LimitsConfig
  package let telemetry: TelemetryConfig
  /// In the order of the file; every reference resolves.
  package let pipelines: [PipelineConfig]

  /// Reads a whole file.
  ///
  /// - Returns: nil when `diagnostics` has errors afterwards.
  package init?(_ bytes: [UInt8], file: String, sources: ExpansionSources, diagnostics: ConfigDiagnostics) {
    guard let document = ConfigDocument(bytes, file: file, sources: sources, diagnostics: diagnostics) else {
      return nil
    }
    var sections = ConfigSections()
    NodeReader(document.root, path: "", diagnostics: diagnostics).read(into: &sections)
    sections.reportUnused(to: diagnostics)
    receivers = sections.receivers.configs
    processors = sections.processors.configs.mapValues(\.config)
    sinks = sections.sinks.configs.mapValues(\.config)
    authenticators = sections.extensions.authenticators
    journal = sections.extensions.journal
    limits = sections.extensions.limits
    telemetry = sections.service.telemetry
    pipelines = sections.pipelines
    guard diagnostics.errors.isEmpty else { return nil }
    reportLoops(to: diagnostics, positions: sections.sinks.positions)
    guard diagnostics.errors.isEmpty else { return nil }
  }

  /// The pipelines that a sink takes part in, in the order of the file.
  package func pipelines(to sink: ComponentID) -> [PipelineConfig] { pipelines.filter { $0.sinks.contains(sink) } }

  /// Refuses a sink that sends to the receiver it gets its telemetry from: every item would go round for ever.
  private func reportLoops(to diagnostics: ConfigDiagnostics, positions: [ComponentID: SourcePosition]) {
    for (id, config) in sinks.sorted(by: { $0.key < $1.key }) {
      guard let sink = config as? OTLPHTTPSinkConfig else { continue }
      for pipeline in pipelines(to: id) {
        guard let url = sink.url(for: pipeline.signal), let target = HostPort(authorityOf: url) else { continue }
        let own = pipeline.receivers.first { receivers[$0]?.http?.dialledEndpoint.map { target.reaches($0) } == true }
        guard let own else { continue }
        diagnostics.error(
          ConfigProblem(
            position: positions[id], path: "exporters::\(id)",
            message: "\(target) is otlpd's own receiver \(quoted("\(own)")), which feeds this exporter in pipeline "
              + "\(quoted(pipeline.id)): every item would go round for ever. Set the endpoint to where the data "
              + "should go."
          ))
        break
      }
    }
  }
}

extension HostPort {
  /// The address in a URL: `http://localhost:4318/x`.
  fileprivate init?(authorityOf url: String) {
    let isSecure = url.lowercased().hasPrefix("https://")
    let authority = url.dropFirst(isSecure ? 8 : 7).prefix { !"/?#".contains($0) }
    let host = authority.split(separator: "@").last ?? ""
    if let address = HostPort(String(host)) {
      self = address
    } else {
      self.init(host: String(host), port: isSecure ? 443 : 80)
    }
  }

  /// Whether a client that dials this address ends at `listener`, on this machine.
  fileprivate func reaches(_ listener: HostPort) -> Bool {
    port == listener.port && port != 0 && (isLoopback || isWildcard) && (listener.isLoopback || listener.isWildcard)
  }
}
