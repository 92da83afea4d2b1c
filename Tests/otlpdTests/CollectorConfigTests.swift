// The config file as a whole: what a good one comes to.

import Admin
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
    let text = CollectorConfig.defaultText(showsBatches: showsBatches)
    let config = try #require(
      CollectorConfig(
        Array(text.utf8), file: "embedded default", sources: ExpansionSources(), diagnostics: diagnostics))
    #expect(diagnostics.errors.isEmpty && diagnostics.warnings.isEmpty && diagnostics.inertKeys.isEmpty)
    #expect(config.pipelines.map(\.signal) == [.traces, .metrics, .logs])
    let sinks = showsBatches ? ["sqlite", "debug"] : ["sqlite"]
    #expect(config.pipelines.allSatisfy { $0.sinks.map(\.description) == sinks })
    #expect(config.receivers.values.first?.http?.endpoint == HostPort(host: "127.0.0.1", port: 4318))
    #expect(config.telemetry.metrics.listeners.map(\.address) == [HostPort(host: "127.0.0.1", port: 8888)])
    let journal = config.journal.settings(dataDirectory: "/data")
    #expect(journal == JournalSettings(durability: .disk, directory: "/data/journal"))
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
    let delivery = DeliverySettings(consumers: 4, mayReshape: true)
    #expect(config.delivery(of: ComponentID(type: "otlp_http")) == delivery)
    #expect(config.telemetry == TelemetryConfig())
    #expect(config.journal == JournalConfig())
  }

  /// The form of file that guides for back ends hand out.
  private static let guide = """
    extensions:
      oauth2client:
        client_id: ${env:CLIENT_ID}
        token_url: ""
      health_check:
        endpoint: 0.0.0.0:13133
      zpages:
        endpoint: 0.0.0.0:55679
    receivers:
      otlp:
        protocols:
          grpc:
            endpoint: 0.0.0.0:4317
            max_recv_msg_size_mib: 16
          http:
            endpoint: ${env:LISTEN_HOST:-localhost}:4318
            cors: {allowed_origins: ["https://*.example"]}
    processors:
      memory_limiter:
        limit_mib: 256
        check_interval: 1s
      batch:
        timeout: 10s
        send_batch_size: 1024
    exporters:
      otlphttp/vendor:
        endpoint: ${VENDOR_ENDPOINT}
        headers:
          api-key: ${env:KEY}
          X-Scope-OrgID: 1
        tls:
          insecure_skip_verify: true
        compression: gzip
        timeout: 10s
        retry_on_failure: {enabled: true, initial_interval: 1s, max_interval: 30s, max_elapsed_time: 300s}
        sending_queue: {queue_size: 5000, num_consumers: 4, storage: file_storage}
      logging:
        verbosity: detailed
    service:
      extensions: [health_check, zpages]
      telemetry:
        logs: {level: DEBUG, encoding: json}
        metrics: {address: "0.0.0.0:8888"}
      pipelines:
        traces:
          receivers: [otlp]
          processors: [memory_limiter, batch]
          exporters: [otlphttp/vendor, logging]
        logs:
          receivers: [otlp]
          processors: [batch]
          exporters: [otlphttp/vendor]
    """

  private static let waits = "is empty: what is sent with these credentials waits in the journal until it is set"

  @Test("A guide's file runs as it is: what is not built is skipped with a warning or noted")
  func guide() throws {
    let environment = ["VENDOR_ENDPOINT": "https://vendor.example/otlp/", "KEY": "s3cret"]
    let fixture = ConfigFixture(Self.guide, environment: environment)
    #expect(fixture.errors == [])
    let config = try #require(fixture.config)
    #expect(
      fixture.warnings == [
        "t.yaml:2:3: extensions::oauth2client: is not in `service: extensions` and not started",
        "t.yaml:3:5: extensions::oauth2client::client_secret: " + Self.waits,
        "t.yaml:3:16: Configuration references unset environment variable CLIENT_ID; it is read as empty",
        "t.yaml:3:16: extensions::oauth2client::client_id: " + Self.waits,
        "t.yaml:4:16: extensions::oauth2client::token_url: " + Self.waits,
        "t.yaml:32:29: exporters::otlphttp/vendor::tls::insecure_skip_verify: whoever answers is believed to be the "
          + "server; name its authority in ca_file",
        "t.yaml:37:3: exporters::logging: logging is the old name of debug; rename it",
        "t.yaml:38:16: exporters::logging::verbosity: detailed is not built into this version of otlpd; "
          + "it prints like normal",
      ])
    #expect(fixture.inert == [])
    let block = "exporters::otlphttp/vendor::"
    let queue = block + "sending_queue::"
    let notes = [block + "retry_on_failure::max_elapsed_time", queue + "queue_size", queue + "storage"]
    #expect(fixture.diagnostics.notes.map(\.path) == notes)
    #expect(
      config.pages.mapValues { $0.endpoint.description } == [
        ComponentID(type: "health_check"): "0.0.0.0:13133", ComponentID(type: "zpages"): "0.0.0.0:55679",
      ])
    let vendor = ComponentID(type: "otlp_http", name: "vendor")
    #expect(config.pipelines.map(\.id) == ["traces", "logs"])
    #expect(config.pipelines[0].sinks == [vendor, ComponentID(type: "debug")])
    #expect(config.pipelines[0].processors.map(\.type) == ["memory_limiter", "batch"])
    #expect(config.telemetry.metrics.listeners.map(\.address) == [HostPort(host: "0.0.0.0", port: 8888)])
    #expect(config.telemetry.logs.level == .debug && config.telemetry.logs.encoding == .json)
    let sink = try #require(config.sinks[vendor] as? OTLPHTTPSinkConfig)
    #expect(sink.url(for: .traces) == "https://vendor.example/otlp/v1/traces")
    #expect(sink.headers.headers.map { $0.value.reveal() } == ["s3cret", "1"])
    #expect(!"\(config)".contains("s3cret"))
    let delivery = config.delivery(of: vendor)
    #expect(delivery.lagLimit == LagLimit(5000, .requests))
    #expect(delivery.retry.maxElapsedTime == .seconds(300) && delivery.retry.initialInterval == .seconds(1))
    #expect(delivery.batch.minimum?.flushTimeout == .seconds(10) && delivery.batch.minimum?.items == 1024)
    #expect(delivery.whenFull == .refuse)
    #expect(config.delivery(of: ComponentID(type: "debug")).whenFull == .bestEffort)
  }

  @Test(
    "A sink that would send to otlpd itself is warned of, and gets nothing",
    arguments: ["http://localhost:4318", "http://127.0.0.1:4318/x", "http://0.0.0.0:4318", "http://[::1]:4318"])
  func loop(endpoint: String) throws {
    let fixture = ConfigFixture(Self.guide, environment: ["VENDOR_ENDPOINT": endpoint, "KEY": ""])
    let config = try #require(fixture.config)
    #expect(fixture.warnings.contains { $0.contains("is otlpd's own listener, so this exporter sends no traces") })
    #expect(config.loops(of: ComponentID(type: "otlp_http", name: "vendor")).contains(.traces))
  }

  @Test(
    "Other addresses are no loop", arguments: ["http://localhost:4319", "http://gateway:4318", "https://localhost"])
  func noLoop(endpoint: String) {
    #expect(ConfigFixture(ConfigFixture.text(sink: "otlp_http: {endpoint: '\(endpoint)'}")).warnings == [])
  }

  @Test("Only a sink that sends over a network has several requests in flight, and may cut and merge them")
  func consumers() throws {
    let text = ConfigFixture.text(
      sink: "otlp_http: {endpoint: 'http://gateway:4318', sending_queue: {num_consumers: 9}}")
    let forward = try #require(ConfigFixture(text).config).delivery(of: ComponentID(type: "otlp_http"))
    #expect(forward.consumers == 9 && forward.mayReshape)
    let store = try #require(ConfigFixture(ConfigFixture.text(sink: "sqlite:")).config)
      .delivery(of: ComponentID(type: "sqlite"))
    #expect(store.consumers == 1 && !store.mayReshape)
  }

  @Test("A processor that drops telemetry is never skipped")
  func filter() {
    let fixture = ConfigFixture(
      ConfigFixture.text(processors: "filter: {traces: {span: ['true']}}\nbatch:", list: "filter, batch"))
    #expect(fixture.config == nil && fixture.errors.count == 1)
  }

  @Test("Components without a pipeline are allowed, with a warning")
  func unused() {
    let text = ConfigFixture.text(processors: "batch:", extra: "")
    #expect(
      ConfigFixture(text).warnings == ["t.yaml:7:3: processors::batch: is not used by any pipeline and not started"])
  }

  @Test(
    "The addresses of /metrics are the readers', or the old key's, or none",
    arguments: [
      ("", ["127.0.0.1:8888"]), ("level: none", []), ("level: detailed", ["127.0.0.1:8888"]),
      ("address: ':9999'", [":9999"]), ("address: ':9999'\nlevel: NONE", []),
      ("readers: [{pull: {exporter: {prometheus: {host: '::', port: 1}}}}]", ["[::]:1"]),
      ("readers: [{pull: {exporter: {prometheus: }}}]", ["127.0.0.1:8888"]),
      (
        "readers: [{pull: {exporter: {prometheus: {port: 1}}}}, {pull: {exporter: {prometheus: {port: 2}}}}]",
        ["127.0.0.1:1", "127.0.0.1:2"]
      ),
      ("readers: [{periodic: {exporter: {otlp: {endpoint: x}}}}]", []), ("readers: []\nlevel: none", []),
    ] as [(String, [String])])
  func metricsListeners(keys: String, expected: [String]) throws {
    let block = keys.split(separator: "\n").map { "      \($0)" }.joined(separator: "\n")
    let text = ConfigFixture.text(extra: "  telemetry:\n    metrics:\n\(block)")
    let fixture = ConfigFixture(text)
    #expect(fixture.errors == [])
    #expect(fixture.config?.telemetry.metrics.listeners.map(\.address.description) == expected)
  }

  @Test(
    "A network sink may drop its oldest only when the same telemetry is kept on this machine",
    arguments: [
      ("[otlp_http]", "[otlp_http]", WhenFull.refuse), ("[otlp_http, sqlite]", "[otlp_http]", .refuse),
      ("[otlp_http, sqlite]", "[otlp_http, sqlite]", .dropOldest), ("[otlp_http, sqlite]", "[sqlite]", .dropOldest),
      ("[otlp_http, nop]", "[otlp_http, nop]", .refuse),
    ])
  func whenFull(traces: String, logs: String, expected: WhenFull) throws {
    let text = """
      receivers: {otlp: {protocols: {http: }}}
      exporters: {nop: , sqlite: , otlp_http: {endpoint: 'http://gateway:4318'}}
      service:
        pipelines:
          traces: {receivers: [otlp], exporters: \(traces)}
          logs: {receivers: [otlp], exporters: \(logs)}
      """
    let config = try #require(ConfigFixture(text).config)
    #expect(config.delivery(of: ComponentID(type: "otlp_http")).whenFull == expected)
    #expect(config.delivery(of: ComponentID(type: "sqlite")).whenFull == .refuse)
    #expect(config.delivery(of: ComponentID(type: "nop")).whenFull == .bestEffort)
  }

  @Test("A store behind another receiver does not make a network sink lossy")
  func otherReceiver() throws {
    let text = """
      receivers:
        otlp/edge: {protocols: {http: {endpoint: "127.0.0.1:14318"}}}
        otlp/local: {protocols: {http: {endpoint: "127.0.0.1:14319"}}}
      exporters: {otlp_http: {endpoint: "http://127.0.0.1:1"}, sqlite: }
      service:
        pipelines:
          traces/edge: {receivers: [otlp/edge], exporters: [otlp_http]}
          traces/local: {receivers: [otlp/local], exporters: [sqlite]}
      """
    let config = try #require(ConfigFixture(text).config)
    #expect(config.delivery(of: ComponentID(type: "otlp_http")).whenFull == .refuse)
  }

  @Test("A sink's own when_full and batch win")
  func ownKeys() throws {
    let text = ConfigFixture.text(
      sink: "sqlite: {when_full: drop_oldest, sending_queue: {batch: {min_size: 10, max_size: 20}}}",
      processors: "batch:", list: "batch")
    let delivery = try #require(ConfigFixture(text).config).delivery(of: ComponentID(type: "sqlite"))
    #expect(delivery.whenFull == .dropOldest)
    #expect(delivery.batch.itemsMax == 20 && delivery.batch.minimum?.items == 10)
  }

  @Test("A receiver for gRPC alone has the defaults of gRPC")
  func grpcOnly() {
    let text = "receivers: {otlp: {protocols: {grpc: }}}\nexporters: {nop: }\nservice: {pipelines: {logs: "
    let fixture = ConfigFixture(text + "{receivers: [otlp], exporters: [nop]}}}")
    #expect(fixture.config?.receivers.values.first == OTLPReceiverConfig(grpc: GRPCServerConfig()))
    #expect(fixture.warnings == [] && fixture.inert == [])
  }

  @Test("A damaged file ends in errors or a config, never in a crash")
  func damaged() {
    var state: UInt64 = 7
    func random(_ bound: Int) -> Int {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int(state >> 33) % bound
    }
    let alphabet = Array("{}[]:,&*#'\"$|> -\n\t0a~!%".utf8) + [0xFF, 0x00]
    for _ in 0..<400 {
      var bytes = Array(Self.guide.utf8)
      for _ in 0...random(4) { bytes[random(bytes.count)] = alphabet[random(alphabet.count)] }
      let diagnostics = ConfigDiagnostics()
      let config = CollectorConfig(bytes, file: "t.yaml", sources: ExpansionSources(), diagnostics: diagnostics)
      #expect((config == nil) == !diagnostics.errors.isEmpty)
    }
  }
}
