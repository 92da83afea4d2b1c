// Whole deliveries against a scripted server.

import Bytes
import Compression
import HTTPClient
import Journal
import Logging
import LoopbackServer
import OTLP
import Pipeline
import Sinks
import System
import Testing

@Suite("OTLPHTTPSink")
struct OTLPHTTPSinkTests {
  private static let ok = answer(200)

  private static func answer(_ status: Int, _ fields: String = "", body: String = "") -> ScriptedServer.Step {
    .answer("HTTP/1.1 \(status) Status\r\n\(fields)Content-Length: \(body.utf8.count)\r\n\r\n\(body)")
  }

  /// A request whose payload is `letter` `count` times: the sink never looks inside.
  private func request(_ letter: String, bytes count: Int = 4, items: Int = 1) -> ExportRequest {
    ExportRequest(held: Bytes(String(repeating: letter, count: count)), itemCount: items, signal: .traces)
  }

  private func batch(_ requests: [ExportRequest], lastSequence: UInt64 = 9) -> Batch {
    Batch(signal: .traces, requests: requests, journalID: JournalID(bits: 1), lastSequence: lastSequence)
  }

  private func deliver(
    _ steps: [ScriptedServer.Step], _ change: (inout OTLPHTTPSettings) -> Void = { $0.gzipLevel = nil },
    _ body: (OTLPHTTPSink, ScriptedServer) throws -> Void
  ) throws {
    let server = try ScriptedServer(steps)
    defer { server.stop() }
    let url = SignalURL.composed(base: server.url, signal: .traces)
    var settings = OTLPHTTPSettings(urls: [.traces: url], client: HTTPClientSettings(userAgent: "otlpd/test"))
    change(&settings)
    let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
    let sink = OTLPHTTPSink(settings: settings, id: "otlp_http", clock: ManualClock(), logger: logger)
    try sink.start()
    defer { sink.stop() }
    try body(sink, server)
  }

  private func text(_ request: ScriptedServer.Request) -> String { String(decoding: request.body, as: UTF8.self) }

  @Test("A batch goes out as one merged protobuf request")
  func merged() throws {
    try deliver([Self.ok]) { sink, server in
      let rejection = try sink.export(batch([request("a"), request("b"), request("c")]))
      #expect(rejection == nil)
      #expect(server.requests.map(text) == ["aaaabbbbcccc"])
      let head = server.requests[0].head
      #expect(head.hasPrefix("POST /v1/traces HTTP/1.1\r\n"))
      #expect(head.contains("\r\nContent-Type: application/x-protobuf\r\n"))
      #expect(!head.lowercased().contains("content-encoding"))
    }
  }

  @Test("By default the body is gzip, and configured headers cannot change what describes it")
  func gzip() throws {
    let fields = [HTTPField("x-api-key", "k"), HTTPField("content-TYPE", "text/evil")]
    try deliver([Self.ok], { $0.fields = fields }) { sink, server in
      _ = try sink.export(batch([request("a", bytes: 5000), request("b")]))
      let head = server.requests[0].head
      #expect(head.contains("\r\nContent-Encoding: gzip\r\n"))
      #expect(head.contains("\r\nx-api-key: k\r\n"))
      #expect(!head.contains("evil"))
      let body = try Gzip.decompress(Bytes(server.requests[0].body), limit: 10_000)
      #expect(body.text == String(repeating: "a", count: 5000) + "bbbb")
    }
  }

  @Test("JSON bodies are one document, also for many requests")
  func json() throws {
    // ResourceSpans with one empty ScopeSpans, twice.
    let request = ExportRequest(held: Bytes([0x0a, 0x02, 0x12, 0x00]), itemCount: 0, signal: .traces)
    try deliver([Self.ok], { ($0.encoding, $0.gzipLevel) = (.json, nil) }) { sink, server in
      _ = try sink.export(batch([request, request]))
      #expect(text(server.requests[0]) == #"{"resourceSpans":[{"scopeSpans":[{}]},{"scopeSpans":[{}]}]}"#)
      #expect(server.requests[0].head.contains("\r\nContent-Type: application/json\r\n"))
    }
  }

  @Test("A partial success is returned, not thrown")
  func partialSuccess() throws {
    let body = #"{"partialSuccess":{"rejectedSpans":"2","errorMessage":"too old"}}"#
    try deliver([Self.answer(200, "Content-Type: application/json\r\n", body: body)]) { sink, _ in
      let rejection = try sink.export(batch([request("a", items: 5)]))
      #expect(rejection == ExportRequest.Rejection(itemCount: 2, message: "too old"))
    }
  }

  @Test("413 halves the batch between requests until the parts are taken, and the size is remembered")
  func halves() throws {
    let steps = [Self.answer(413), Self.ok, Self.ok, Self.ok, Self.ok]
    try deliver(steps) { sink, server in
      let rejection = try sink.export(batch([request("a"), request("b"), request("c"), request("d")]))
      #expect(rejection == nil)
      _ = try sink.export(batch([request("e"), request("f"), request("g")], lastSequence: 12))
      #expect(server.requests.map(text) == ["aaaabbbbccccdddd", "aaaabbbb", "ccccdddd", "eeeeffff", "gggg"])
    }
  }

  @Test("A single request that is too large is dropped alone; the others arrive")
  func singleTooLarge() throws {
    let steps = [Self.answer(413), Self.answer(413), Self.ok]
    try deliver(steps) { sink, server in
      let rejection = try sink.export(batch([request("a", bytes: 9, items: 7), request("b")]))
      #expect(rejection?.itemCount == 7)
      #expect(rejection?.message.contains("413") == true)
      #expect(server.requests.map(text) == ["aaaaaaaaabbbb", "aaaaaaaaa", "bbbb"])
    }
    try deliver([Self.answer(413)]) { sink, _ in
      #expect(throws: ExportError.permanent(reason: "too_large")) { try sink.export(batch([request("a")])) }
    }
  }

  @Test("A batch never exceeds the largest body that the settings allow")
  func bodyLimit() throws {
    try deliver([Self.ok, Self.ok], { ($0.bodyBytesMax, $0.gzipLevel) = (8, nil) }) { sink, server in
      _ = try sink.export(batch([request("a"), request("b"), request("c")]))
      #expect(server.requests.map(text) == ["aaaabbbb", "cccc"])
    }
  }

  @Test("A retry after a failure in the middle sends only what was not delivered")
  func resumes() throws {
    let steps = [Self.answer(413), Self.ok, Self.answer(503, "Retry-After: 2\r\n"), Self.ok]
    try deliver(steps) { sink, server in
      let batch = batch([request("a"), request("b")])
      let error = try #require(throws: ExportError.self) { try sink.export(batch) }
      guard case .retryable(.seconds(2), let reason) = error else { throw error }
      #expect(reason.contains("answered 503"))
      let rejection = try sink.export(batch)
      #expect(rejection == nil)
      #expect(server.requests.map(text) == ["aaaabbbb", "aaaa", "bbbb", "bbbb"])
    }
  }

  @Test("A batch that the server calls wrong is final")
  func permanent() throws {
    try deliver([Self.answer(400, body: "no")]) { sink, _ in
      #expect(throws: ExportError.permanent(reason: "rejected_400")) { try sink.export(batch([request("a")])) }
    }
  }

  @Test("A signal without an endpoint is dropped under its own name")
  func noEndpoint() throws {
    try deliver([]) { sink, _ in
      let logs = ExportRequest(held: Bytes("x"), itemCount: 1, signal: .logs)
      let batch = Batch(signal: .logs, requests: [logs], journalID: JournalID(bits: 1), lastSequence: 1)
      #expect(throws: ExportError.permanent(reason: "no_endpoint")) { try sink.export(batch) }
    }
  }

  @Test("An unreadable certificate authority is a mistake at the start, with the file's name")
  func badStart() throws {
    var client = HTTPClientSettings(userAgent: "otlpd/test")
    client.tls.caFile = "/nowhere/ca.pem"
    let settings = OTLPHTTPSettings(urls: [.traces: "https://localhost:1"], client: client)
    let sink = OTLPHTTPSink(settings: settings, id: "otlp_http", clock: ManualClock(), logger: Logger(label: "test"))
    let error = try #require(throws: HTTPClientError.self) { try sink.start() }
    #expect(error.description.contains("/nowhere/ca.pem"))
  }

  @Test("An interruption makes a waiting delivery retryable")
  func interruption() throws {
    try deliver([.silence]) { sink, server in
      let thread = try Thread(name: "interrupt") {
        for _ in 0..<2000 where server.requests.isEmpty { pause() }
        sink.interrupt()
      }
      let error = try #require(throws: ExportError.self) { try sink.export(batch([request("a")])) }
      thread.join()
      guard case .retryable(nil, let reason) = error else { throw error }
      #expect(reason.contains("interrupted"))
    }
  }
}

/// Lets other threads run for a moment.
private func pause() {
  let soon = SystemClock().monotonic + .milliseconds(5)
  _ = Lock(()).wait(until: soon) { _ in Bool?.none }
}
