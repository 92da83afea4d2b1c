// What a sink's block means for the sink: settings, headers, batches.

import Compression
import Config
import HTTPClient
import Journal
import OTLP
import Pipeline
import Sinks
import Testing

private func read<Block: ConfigBlock>(_ text: String, as: Block.Type) -> (config: Block, diagnostics: ConfigDiagnostics)
{
  let diagnostics = ConfigDiagnostics()
  var config = Block()
  if let document = ConfigDocument(Array(text.utf8), file: "t.yaml", diagnostics: diagnostics) {
    NodeReader(document.root, path: "s", diagnostics: diagnostics).read(into: &config)
  }
  return (config, diagnostics)
}

@Suite struct SinkConfigTests {
  @Test("An otlp_http block becomes the sink's settings")
  func otlpHTTP() {
    let text = """
      endpoint: https://gateway.example/base/
      logs_endpoint: http://logs:1/x
      encoding: json
      compression_params: {level: 9}
      timeout: 5s
      headers: [{name: a, value: 1}, {name: b, value: "2"}]
      tls: {ca_file: /ca.pem, cert_file: /c.pem, key_file: /k.pem, min_version: "1.2", max_version: "1.3",
        insecure: true, cert_pem: C, key_pem: K, server_name_override: other}
      auth: {authenticator: basicauth/x}
      force_attempt_http2: false
      proxy_url: http://proxy:3128
      idle_conn_timeout: 10s
      disable_keep_alives: true
      """
    let (config, diagnostics) = read(text, as: OTLPHTTPSinkConfig.self)
    #expect(diagnostics.errors.isEmpty && diagnostics.inertKeys.isEmpty)
    let settings = config.settings(userAgent: "test")
    #expect(config.urls[.traces] == "https://gateway.example/base/v1/traces")
    #expect(config.urls[.metrics] == "https://gateway.example/base/v1/metrics")
    #expect(config.urls[.logs] == "http://logs:1/x")
    #expect(config.encoding == .json && settings.compression == BodyPacking(.gzip, level: 9))
    #expect(settings.timeout == .seconds(5) && config.auth?.id == ComponentID(type: "basicauth", name: "x"))
    #expect(settings.headers.map { "\($0.name)=\($0.value)" } == ["a=1", "b=2"])
    let tls = settings.client.tls
    #expect(tls.caFile == "/ca.pem" && tls.minimumVersion == .tls12 && tls.maximumVersion == .tls13)
    #expect(tls.certificateFile == "/c.pem" && tls.keyFile == "/k.pem")
    #expect(tls.certificatePEM == "C" && tls.keyPEM == "K" && tls.serverName == "other")
    #expect(settings.client.version == .http1)
    #expect(settings.client.proxy == .url("http://proxy:3128"))
    #expect(settings.client.idleConnectionTimeout == .seconds(10) && !settings.client.keepsConnections)
  }

  @Test(
    "Compression is gzip unless the file says otherwise; what is not built sends gzip with a warning",
    arguments: [
      ("gzip", BodyPacking(.gzip), 0), ("none", nil, 0), ("''", nil, 0), ("zstd", BodyPacking(.zstd, name: "zstd"), 0),
      ("deflate", BodyPacking(.zlib, name: "deflate"), 0), ("zlib", BodyPacking(.zlib, name: "zlib"), 0),
      ("snappy", BodyPacking(.gzip), 1), ("lz4", BodyPacking(.gzip), 1),
    ] as [(String, BodyPacking?, Int)])
  func compression(word: String, packing: BodyPacking?, warnings: Int) {
    let (config, diagnostics) = read("{endpoint: 'http://a', compression: \(word)}", as: OTLPHTTPSinkConfig.self)
    #expect(config.settings(userAgent: "test").compression == packing)
    #expect(diagnostics.warnings.count == warnings)
  }

  @Test(
    "The forms of a gRPC endpoint, and whether TLS is spoken there",
    arguments: [
      ("gateway:4317", false, "https://gateway:4317"), ("gateway:4317", true, "http://gateway:4317"),
      ("http://gateway:4317/", false, "http://gateway:4317"), ("https://gateway:4317", true, "https://gateway:4317"),
      ("dns:///gateway:4317", false, "https://gateway:4317"), ("'[::1]:4317'", true, "http://[::1]:4317"),
    ])
  func grpcEndpoints(endpoint: String, isInsecure: Bool, base: String) {
    let (config, diagnostics) = read(
      "{endpoint: \(endpoint), tls: {insecure: \(isInsecure)}}", as: OTLPGRPCSinkConfig.self)
    #expect(diagnostics.errors.isEmpty && config.base == base)
    let version = config.settings(userAgent: "test").client.version
    #expect(version == (base.hasPrefix("https") ? .negotiated : .http2))
  }

  @Test(
    "What is no gRPC endpoint is an error",
    arguments: ["gateway", "':4317'", "unix:///s", "'gateway:0'", "'http://gateway:4317/x'", "''", "'u@h:1'"])
  func badGRPCEndpoints(endpoint: String) {
    #expect(read("{endpoint: \(endpoint)}", as: OTLPGRPCSinkConfig.self).diagnostics.errors.count == 1)
  }

  @Test("An otlp_grpc block has every key of the Collector, and names those without effect")
  func otlpGRPC() {
    let text = """
      endpoint: gateway:4317
      compression: zstd
      timeout: 7s
      headers: {a: 1}
      authority: shop.example:443
      keepalive: {time: 10s}
      balancer_name: pick_first
      wait_for_ready: true
      read_buffer_size: 1
      write_buffer_size: 1
      """
    let (config, diagnostics) = read(text, as: OTLPGRPCSinkConfig.self)
    #expect(diagnostics.errors.isEmpty)
    #expect(
      diagnostics.inertKeys.map(\.path) == [
        "s::keepalive", "s::balancer_name", "s::wait_for_ready", "s::read_buffer_size", "s::write_buffer_size",
      ])
    let settings = config.settings(userAgent: "test")
    #expect(settings.compression == BodyPacking(.zstd, name: "zstd") && settings.timeout == .seconds(7))
    #expect(settings.client.tls.serverName == "shop.example")
  }

  @Test("A file block becomes the sink's settings, and what it writes at once")
  func file() {
    let text = """
      {path: /t/x.jsonl, format: proto, compression: zstd, append: false, flush_interval: 3s, create_directory: true,
       directory_permissions: "0750"}
      """
    let (config, diagnostics) = read(text, as: FileSinkConfig.self)
    #expect(diagnostics.errors.isEmpty && diagnostics.inertKeys.isEmpty)
    var settings = FileSinkSettings(path: "/t/x.jsonl")
    (settings.isJSON, settings.isCompressed, settings.truncates) = (false, true, true)
    settings.directoryPermissions = 0o750
    #expect(config.settings == settings)
    #expect(config.batch.minimum?.flushTimeout == .seconds(3) && config.batch.bytesMax == 4 << 20)
    let small = read("{path: x, append: false, rotation: {max_megabytes: 1, max_days: 2}}", as: FileSinkConfig.self)
    #expect(small.config.settings.rotation == FileRotation(bytesMax: 1 << 20, daysMax: 2, backupsMax: 100))
    #expect(!small.config.settings.truncates && small.config.batch.bytesMax == 256 << 10)
    let empty = read("{path: x, rotation: }", as: FileSinkConfig.self).config.settings.rotation
    #expect(empty == FileRotation(bytesMax: 100 << 20, backupsMax: 100))
    let noted = read("{path: x, group_by: {enabled: true}, rotation: {localtime: true}}", as: FileSinkConfig.self)
    #expect(noted.diagnostics.inertKeys.map(\.path) == ["s::group_by", "s::rotation::localtime"])
  }

  @Test(
    "What a file block cannot mean is named",
    arguments: [
      ("{}", "path must be non-empty"), ("{path: /tmp/}", "expected the path of a file"),
      ("{path: x, flush_interval: 0s}", "must be larger than zero"), ("{path: x, format: xml}", "json, proto"),
      ("{path: x, directory_permissions: 888}", "octal"), ("{path: x, rotation: {max_days: -1}}", "between 0"),
    ])
  func fileMistakes(text: String, message: String) {
    let errors = read(text, as: FileSinkConfig.self).diagnostics.errors
    #expect(errors.count == 1 && errors.allSatisfy { $0.message.contains(message) })
  }

  @Test("A sink with complete URLs alone delivers only those signals")
  func someSignals() {
    let config = read("{traces_endpoint: 'http://a/t'}", as: OTLPHTTPSinkConfig.self).config
    #expect(config.urls == [.traces: "http://a/t"])
    #expect(config.problem(with: "traces") == nil)
    #expect(config.problem(with: "logs") == "has neither endpoint nor logs_endpoint")
  }

  @Test("A batch in bytes counts bytes, in items items")
  func batches() {
    let items = read("{batch: {min_size: 10, flush_timeout: 1s}}", as: SendingQueueConfig.self).config.batch?.settings
    #expect(items?.minimum == .init(items: 10, flushTimeout: .seconds(1)))
    #expect(items?.itemsMax == BatchSettings().itemsMax)
    let bytes = read(
      "{sizer: bytes, queue_size: 9999, batch: {min_size: 10, max_size: 20}}", as: SendingQueueConfig.self
    ).config.batch?.settings
    #expect(bytes?.minimum?.bytes == 10 && bytes?.bytesMax == 20 && bytes?.itemsMax == .max)
    #expect(read("{batch: }", as: SendingQueueConfig.self).config.batch?.minSize == 8192)
    #expect(read("{}", as: SendingQueueConfig.self).config.batch == nil)
    #expect(read("{batch: {min_size: 0}}", as: SendingQueueConfig.self).config.batch?.settings.minimum == nil)
  }

  @Test("Queue keys without effect are noted, not their defaults")
  func inertQueueKeys() {
    let defaults = read("{num_consumers: 4, sizer: requests, storage: }", as: SendingQueueConfig.self).diagnostics
    #expect(defaults.inertKeys.isEmpty && defaults.notes.isEmpty)
    let diagnostics = read(
      "{enabled: false, num_consumers: 1, sizer: items, block_on_overflow: true}", as: SendingQueueConfig.self
    ).diagnostics
    #expect(diagnostics.inertKeys.map(\.path) == ["s::enabled", "s::block_on_overflow"])
    #expect(read("{num_consumers: 7}", as: SendingQueueConfig.self).config.consumers == 7)
  }

  @Test("The queue's size is how far the sink may lag, in the unit of its sizer, and validate says so")
  func queueLimit() {
    func limit(_ text: String) -> LagLimit? { read(text, as: SendingQueueConfig.self).config.limit }
    #expect(limit("{}") == nil)
    #expect(limit("{sizer: items}") == nil)
    #expect(limit("{queue_size: 1000}") == LagLimit(1000, .requests))
    #expect(limit("{queue_size: 5, sizer: requests}") == LagLimit(5, .requests))
    #expect(limit("{queue_size: 5, sizer: items}") == LagLimit(5, .items))
    #expect(limit("{queue_size: 5, sizer: bytes}") == LagLimit(5, .bytes))
    #expect(limit("{queue_size: 5, enabled: false}") == nil)
    let notes = read("{queue_size: 5, storage: file_storage}", as: SendingQueueConfig.self).diagnostics.notes
    #expect(notes.map(\.path) == ["s::queue_size", "s::storage"])
  }

  @Test("A debug block becomes the sink's settings")
  func debug() {
    let settings = read("{verbosity: Normal, use_internal_logger: false}", as: DebugSinkConfig.self).config.settings
    #expect(settings == DebugSettings(verbosity: .normal, usesLogger: false))
    #expect(DebugSinkConfig().settings == DebugSettings())
  }

  @Test("Retrying has the worker's defaults")
  func retry() {
    #expect(RetryOnFailureConfig().settings == RetrySettings())
    let config = read("{enabled: false, multiplier: 2, max_elapsed_time: 1h}", as: RetryOnFailureConfig.self).config
    #expect(!config.settings.isEnabled && config.settings.multiplier == 2)
    #expect(config.settings.maxElapsedTime == .seconds(3600))
  }
}
