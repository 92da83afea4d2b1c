// The config file as values: every component's part, the pipelines, the journal and otlpd's own telemetry.

package import Authenticators
package import Config
package import OTLP
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
  package let telemetry: TelemetryConfig
  /// Signals that a sink would send to the receiver that feeds it.
  package private(set) var selfLoops: [ComponentID: Set<Signal>] = [:]
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
    telemetry = sections.service.telemetry
    pipelines = sections.pipelines
    guard diagnostics.errors.isEmpty else { return nil }
    findLoops(diagnostics, positions: sections.sinks.positions)
  }

  /// The pipelines that a sink takes part in, in the order of the file.
  package func pipelines(to sink: ComponentID) -> [PipelineConfig] { pipelines.filter { $0.sinks.contains(sink) } }

  /// Finds the sinks that send to the receiver they get their telemetry from: every item would go round for ever.
  private mutating func findLoops(_ diagnostics: ConfigDiagnostics, positions: [ComponentID: SourcePosition]) {
    for (id, sink) in sinks.sorted(by: { $0.key < $1.key }) {
      for pipeline in pipelines(to: id) {
        guard let target = sink.address(for: pipeline.signal) else { continue }
        let own = pipeline.receivers.first { receivers[$0]?.listeners.contains(where: target.reaches) == true }
        guard let own, selfLoops[id, default: []].insert(pipeline.signal).inserted else { continue }
        diagnostics.warn(
          ConfigProblem(
            position: positions[id], path: "exporters::\(id)",
            message: "\(target) is otlpd's own receiver \(quoted("\(own)")), which feeds this exporter in pipeline "
              + "\(quoted(pipeline.id)): what it gets there would go round for ever, and is dropped instead, counted "
              + "as self_loop. Set the endpoint to where the data should go."
          ))
      }
    }
  }
}

extension OTLPReceiverConfig {
  /// Where clients reach the receiver.
  fileprivate var listeners: [HostPort] { [http?.endpoint].compactMap(\.self) }
}

extension HostPort {
  /// Whether a client that dials this address ends at `listener`, on this machine.
  fileprivate func reaches(_ listener: HostPort) -> Bool {
    port == listener.port && port != 0 && (isLoopback || isWildcard) && (listener.isLoopback || listener.isWildcard)
  }
}
