// From the config file's text to a sink that works.

import Bytes
import Config
import Journal
import Logging
import LoopbackServer
import OTLP
import Pipeline
import SelfTelemetry
import Sinks
import System
import Testing

@Suite("SinkTypes")
struct SinkTypesTests {
  private func config<Config: SinkConfig>(_: Config.Type, _ yaml: String) throws -> Config {
    let diagnostics = ConfigDiagnostics()
    let document = try #require(ConfigDocument(Array(yaml.utf8), file: "test.yaml", diagnostics: diagnostics))
    var config = Config()
    NodeReader(document.root, path: "exporters::\(Config.type)", diagnostics: diagnostics).read(into: &config)
    #expect(diagnostics.errors.isEmpty)
    return config
  }

  private func context(_ print: @escaping @Sendable (String) -> Void = { _ in }) -> SinkContext {
    SinkContext(
      version: "1.2.3", dataDirectory: "/nowhere", clock: ManualClock(),
      logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }, metrics: MetricRegistry(), print: print)
  }

  private func batch() -> Batch {
    let request = ExportRequest(held: Bytes("\u{0a}\u{0}"), itemCount: 1, signal: .traces)
    return Batch(signal: .traces, requests: [request], journalID: JournalID(bits: 1), lastSequence: 1)
  }

  @Test("Every type has its own name, and makes its sink")
  func types() {
    #expect(Set(SinkTypes.all.map { $0.type }) == ["debug", "file", "nop", "otlp_grpc", "otlp_http", "sqlite"])
    let sinks = SinkTypes.all.map { type in type.init().makeSink(id: type.type, context: context()) }
    #expect(sinks.count { $0 is DebugSink } == 1)
    #expect(sinks.count { $0 is FileSink } == 1)
    #expect(sinks.count { $0 is NopSink } == 1)
    #expect(sinks.count { $0 is OTLPSink } == 2)
    #expect(sinks.count { $0 is SQLiteSink } == 1)
  }

  @Test("An otlp_http block posts where, how and with what it says")
  func otlpHTTP() throws {
    let answer = ScriptedServer.Step.answer("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
    let server = try ScriptedServer([answer, answer])
    defer { server.stop() }
    let plain = try config(
      OTLPHTTPSinkConfig.self, "endpoint: \(server.url)/in/\ncompression: none\nheaders: {x-api-key: secret}")
    let packed = try config(OTLPHTTPSinkConfig.self, "traces_endpoint: \(server.url)/as/is")
    for config in [plain, packed] {
      let sink = config.makeSink(id: "otlp_http", context: context())
      try sink.start()
      _ = try sink.export(batch())
      sink.stop()
    }
    let heads = server.requests.map(\.head)
    #expect(heads[0].hasPrefix("POST /in/v1/traces "))
    #expect(heads[0].contains("\r\nx-api-key: secret\r\n"))
    #expect(heads[0].contains("\r\nUser-Agent: otlpd/1.2.3 (linux/"))
    #expect(server.requests[0].body == [0x0a, 0])
    #expect(heads[1].hasPrefix("POST /as/is "))
    #expect(heads[1].contains("\r\nContent-Encoding: gzip\r\n"))
  }

  @Test("A debug block decides how much is printed, and where")
  func debug() throws {
    let text = Lock("")
    let config = try config(DebugSinkConfig.self, "use_internal_logger: false\nverbosity: basic")
    let sink = config.makeSink(id: "debug", context: context { piece in text.withLock { $0 += piece } })
    try sink.start()
    _ = try sink.export(batch())
    sink.stop()
    #expect(text.withLock { $0 } == "Traces  resource spans=1 spans=1\n")
  }
}
