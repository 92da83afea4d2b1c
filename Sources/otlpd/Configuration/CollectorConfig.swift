// The config file as values: every component's part, the pipelines, the journal and otlpd's own telemetry.

package import Admin
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
  /// Those in service that answer on an address of their own.
  package let pages: [ComponentID: any PageExtensionConfig]
  /// The extensions in service, in the order of the file.
  package let startedExtensions: [ComponentID]
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
    self.init(document, environment: sources.environment, diagnostics: diagnostics)
  }

  /// Reads the configuration that several files may have come to.
  ///
  /// - Returns: nil when `diagnostics` has errors afterwards.
  package init?(_ document: ConfigDocument, environment: [String: String], diagnostics: ConfigDiagnostics) {
    var sections = ConfigSections()
    NodeReader(document.root, path: "", diagnostics: diagnostics).read(into: &sections)
    if diagnostics.errors.isEmpty { sections.reportUnused(to: diagnostics) }
    receivers = sections.receivers.configs
    processors = sections.processors.configs.mapValues(\.config)
    sinks = sections.sinks.configs.mapValues(\.config)
    authenticators = sections.extensions.authenticators.mapValues { config in
      var config = config
      config.completePaths { CredentialPath.complete($0, environment: environment) }
      return config
    }
    startedExtensions = sections.started
    pages = sections.extensions.pages.filter { sections.started.contains($0.key) }
    journal = sections.extensions.journal
    limits = sections.extensions.limits
    telemetry = sections.service.telemetry
    pipelines = sections.pipelines
    guard diagnostics.errors.isEmpty else { return nil }
    reportLoops(to: diagnostics, positions: sections.sinks.positions)
  }

  /// The pipelines that a sink takes part in, in the order of the file.
  package func pipelines(to sink: ComponentID) -> [PipelineConfig] { pipelines.filter { $0.sinks.contains(sink) } }
}
