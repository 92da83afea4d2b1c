// The config file as a whole: what a good one comes to.

import Config
import Journal
import OTLP
import Pipeline
import Processors
import Receivers
import Sinks
import Testing
import otlpd

@Suite struct CollectorConfigTests {
  @Test("The embedded default is valid, with and without a terminal", arguments: [true, false])
  func embeddedDefault(showsBatches: Bool) throws {
    let diagnostics = ConfigDiagnostics()
    let config = try #require(CollectorConfig.embeddedDefault(showsBatches: showsBatches, diagnostics: diagnostics))
    #expect(diagnostics.errors.isEmpty && diagnostics.warnings.isEmpty && diagnostics.inertKeys.isEmpty)
    #expect(config.pipelines.map(\.signal) == [.traces, .metrics, .logs])
    let sinks = showsBatches ? ["sqlite", "debug"] : ["sqlite"]
    #expect(config.pipelines.allSatisfy { $0.sinks.map(\.description) == sinks })
    #expect(config.receivers.values.first?.http?.endpoint == HostPort(host: "127.0.0.1", port: 4318))
    #expect(config.telemetry.metricsListener == HostPort(host: "127.0.0.1", port: 8888))
    #expect(config.journal.settings == JournalSettings())
    if showsBatches {
      let debug = try #require(config.sinks[ComponentID(type: "debug")] as? DebugSinkConfig)
      #expect(!debug.usesInternalLogger && debug.verbosity == .basic)
    }
  }

  @Test("Defaults are those of the components")
  func defaults() throws {
    let fixture = ConfigFixture(ConfigFixture.text(sink: "otlp_http:\n  endpoint: http://gateway:4318"))
    #expect(fixture.errors == [] && fixture.warnings == [] && fixture.inert == [])
    let config = try #require(fixture.config)
    #expect(config.receivers[ComponentID(type: "otlp")] == OTLPReceiverConfig(http: HTTPServerConfig()))
    #expect(config.delivery(of: ComponentID(type: "otlp_http")) == DeliverySettings())
    #expect(config.telemetry == TelemetryConfig())
    #expect(config.journal == JournalConfig())
  }
}
