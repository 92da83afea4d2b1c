// Holds config/otlpd.reference.yaml and config/otlpd.yaml against the code.

import Admin
import Config
import Processors
import Receivers
import Sinks
import System
import Testing
import otlpd

/// A file of the project's `config` folder.
private func configFile(_ name: String) throws -> String {
  let root = #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
  return String(decoding: try SmallFile.read("/\(root)/config/\(name)"), as: UTF8.self)
}

/// Takes away the marks of keys that are off: `#key: value`, but not `# a sentence`.
private func withoutMarks(_ text: String) -> String {
  text.split(separator: "\n", omittingEmptySubsequences: false).map { line in
    let indentation = line.prefix { $0 == " " }
    let rest = line.dropFirst(indentation.count)
    guard rest.hasPrefix("#"), rest.dropFirst().first?.isLetter == true || rest.hasPrefix("#  ") else {
      return String(line)
    }
    return String(indentation + rest.dropFirst())
  }.joined(separator: "\n")
}

private func paths(_ node: ConfigNode, under path: String = "") -> Set<String> {
  switch node.content {
  case .scalar: return []
  case .list(let items):
    return items.enumerated().reduce(into: []) { $0.formUnion(paths($1.element, under: "\(path)[\($1.offset)]")) }
  case .mapping(let entries):
    return entries.reduce(into: []) { all, entry in
      let nested = path.isEmpty ? entry.key : "\(path)::\(entry.key)"
      all.insert(nested)
      all.formUnion(paths(entry.value, under: nested))
    }
  }
}

@Suite struct ReferenceConfigTests {
  @Test("The reference file shows the defaults, and warns of nothing")
  func defaults() throws {
    let fixture = ConfigFixture(try configFile("otlpd.reference.yaml"))
    #expect(fixture.errors == [] && fixture.warnings == [] && fixture.inert == [])
    let config = try #require(fixture.config)
    let receiver = OTLPReceiverConfig(http: HTTPServerConfig(), grpc: GRPCServerConfig())
    #expect(config.receivers == [ComponentID(type: "otlp"): receiver])
    #expect(config.processors[ComponentID(type: "batch")] as? BatchProcessorConfig == BatchProcessorConfig())
    #expect(config.sinks[ComponentID(type: "sqlite")] as? SQLiteSinkConfig == SQLiteSinkConfig())
    #expect(config.sinks[ComponentID(type: "debug")] as? DebugSinkConfig == DebugSinkConfig())
    #expect(config.sinks[ComponentID(type: "nop")] as? NopSinkConfig == NopSinkConfig())
    var file = FileSinkConfig()
    file.path = "/var/lib/otlpd/telemetry.jsonl"
    #expect(config.sinks[ComponentID(type: "file")] as? FileSinkConfig == file)
    var forward = OTLPHTTPSinkConfig()
    forward.endpoint = "http://gateway:4318"
    forward.proxyURL = ""
    #expect(config.sinks[ComponentID(type: "otlp_http")] as? OTLPHTTPSinkConfig == forward)
    var calls = OTLPGRPCSinkConfig()
    calls.endpoint = GRPCEndpoint("gateway:4317")
    #expect(config.sinks[ComponentID(type: "otlp_grpc")] as? OTLPGRPCSinkConfig == calls)
    #expect(config.journal == JournalConfig())
    #expect(config.limits == LimitsConfig())
    #expect(config.pages[ComponentID(type: "health_check")] as? HealthCheckConfig == HealthCheckConfig())
    #expect(config.pages[ComponentID(type: "admin")] as? AdminConfig == AdminConfig())
    #expect(config.pages[ComponentID(type: "jaeger_query")] as? JaegerQueryConfig == JaegerQueryConfig())
    #expect(config.pages[ComponentID(type: "zpages")] as? ZPagesConfig == ZPagesConfig())
    #expect(Set(config.pages.keys.map(\.type)) == Set(PageExtensionTypes.all.map { $0.type }))
    #expect(config.telemetry == TelemetryConfig())
    #expect(Set(config.sinks.keys.map(\.type)) == Set(SinkTypes.all.map { $0.type }))
  }

  @Test("With its marks taken away, the reference file has every key that a decoder asks for")
  func everyKey() throws {
    let text = withoutMarks(try configFile("otlpd.reference.yaml"))
    let fixture = ConfigFixture(text, recordsKnownPaths: true)
    // The file has what is refused as a whole, and both ways of printing.
    let refusals = [
      "is not built into this version", "output_paths requires use_internal_logger to be set to false",
      "belongs to a receiver, and client_auth", "client_auth::username: is required", "no users provided",
      "no bearer token provided",
    ]
    #expect(fixture.errors.filter { error in !refusals.contains { error.contains($0) } } == [])
    let document = try #require(
      ConfigDocument(Array(text.utf8), file: "t.yaml", diagnostics: ConfigDiagnostics()))
    let present = paths(document.root)
    // Delivery is the same for every sink and written out once.
    let delivery = ["when_full", "retry_on_failure", "sending_queue"]
    let missing = fixture.diagnostics.knownPaths.subtracting(present).filter { path in
      let words = path.split(separator: ":").map(String.init)
      return !(words.first == "exporters" && words.count > 2 && delivery.contains(words[2]) && words[1] != "sqlite")
    }
    #expect(missing.sorted() == [])
  }

  @Test("The installed file is valid and quiet")
  func installed() throws {
    let fixture = ConfigFixture(try configFile("otlpd.yaml"))
    #expect(fixture.config != nil)
    #expect(fixture.errors == [] && fixture.warnings == [] && fixture.inert == [])
    let forwarding = ConfigFixture(withoutMarks(try configFile("otlpd.yaml")), environment: ["TOKEN": "x"])
    #expect(forwarding.errors == [] && forwarding.warnings.count == 1)
  }

  @Test("Every built-in type is in the list of its kind and reads its own block")
  func types() {
    #expect(Set(SinkTypes.all.map { $0.type }) == ["debug", "file", "nop", "otlp_grpc", "otlp_http", "sqlite"])
    #expect(Set(ProcessorTypes.all.map { $0.type }) == ["batch", "memory_limiter"])
  }
}
