// Whole deliveries over OTLP/HTTP against a scripted server.

import Authenticators
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
    _ steps: [ScriptedServer.Step], encoding: Encoding = .protobuf, authenticator: (any ClientAuthenticator)? = nil,
    _ change: (inout OTLPClientSettings) -> Void = { $0.compression = nil },
    _ body: (OTLPSink, ScriptedServer) throws -> Void
  ) throws {
    let server = try ScriptedServer(steps)
    defer { server.stop() }
    let url = SignalURL.composed(base: server.url, signal: .traces)
    var settings = OTLPClientSettings(client: HTTPClientSettings(userAgent: "otlpd/test"))
    change(&settings)
    let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
    let sink = OTLPSink(
      OTLPHTTPTransport(urls: [.traces: url], encoding: encoding, settings: settings), settings: settings,
      authenticator: authenticator, id: "otlp_http", clock: ManualClock(), logger: logger)
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
    try deliver([Self.ok], { $0.headers = fields }) { sink, server in
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
    try deliver([Self.ok], encoding: .json) { sink, server in
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

  @Test("What the server refuses is thrown for the worker to settle, and nothing is sent twice")
  func refusals() throws {
    let retry = Self.answer(503, "Retry-After: 2\r\n")
    try deliver([Self.answer(413), Self.answer(400), Self.answer(404), retry, Self.answer(422)]) { sink, server in
      let batch = batch([request("a"), request("b")])
      func failure() throws -> ExportError { try #require(throws: ExportError.self) { try sink.export(batch) } }
      guard case .tooLarge = try failure(), case .invalid = try failure(), case .blocked = try failure(),
        case .retryable(.seconds(2), _) = try failure()
      else { throw ExportError.permanent(reason: "another error") }
      #expect(try failure() == .permanent(reason: "rejected_422"))
      #expect(server.requests.map(text) == Array(repeating: "aaaabbbb", count: 5))
    }
  }

  @Test("More than the largest body that the settings allow is never sent")
  func bodyLimit() throws {
    try deliver([], { ($0.bodyBytesMax, $0.compression) = (8, nil) }) { sink, server in
      let error = try #require(throws: ExportError.self) {
        try sink.export(batch([request("a"), request("b"), request("c")]))
      }
      guard case .tooLarge = error else { throw error }
      #expect(server.requests.isEmpty)
    }
  }

  /// Hands out one token after the other.
  private final class Tokens: ClientAuthenticator {
    private let next = Lock(1)

    func credentials() throws(AuthenticatorError) -> [HTTPField] {
      [HTTPField("authorization", "token \(next.withLock { $0 })")]
    }
    func renew(_ refused: [HTTPField]) -> Bool {
      next.withLock { $0 += 1 }
      return true
    }
  }

  @Test("401 asks the authenticator once for new credentials, whose field wins over a configured header")
  func renewal() throws {
    let steps = [Self.answer(401), Self.ok, Self.answer(401), Self.answer(401)]
    let change = { (settings: inout OTLPClientSettings) in settings.headers = [HTTPField("Authorization", "mine")] }
    try deliver(steps, authenticator: Tokens(), change) { sink, server in
      _ = try sink.export(batch([request("a")]))
      let error = try #require(throws: ExportError.self) { try sink.export(batch([request("b")])) }
      guard case .blocked = error else { throw error }
      let sent = server.requests.map { request in
        request.head.split(separator: "\r\n").filter { $0.lowercased().hasPrefix("authorization:") }
      }
      #expect(
        sent == [
          ["authorization: token 1"], ["authorization: token 2"], ["authorization: token 2"],
          ["authorization: token 3"],
        ])
    }
  }

  @Test("Several threads deliver at once, each on a connection of its own")
  func threads() throws {
    // The server takes one connection after the other: each is closed behind its answer.
    let ok = ScriptedServer.Step.answerAndClose("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
    try deliver(Array(repeating: ok, count: 8)) { sink, server in
      let failures = Lock(0)
      let threads = try (0..<4).map { index in
        let batches = (0..<2).map { batch([request("\(index)\($0)", bytes: 1)]) }
        return try Thread(name: "sender") {
          for batch in batches {
            do throws(ExportError) { _ = try sink.export(batch) } catch { failures.withLock { $0 += 1 } }
          }
        }
      }
      for thread in threads { thread.join() }
      #expect(failures.withLock { $0 } == 0)
      #expect(Set(server.requests.map(text)) == Set((0..<4).flatMap { ["\($0)0", "\($0)1"] }))
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
    let settings = OTLPClientSettings(client: client)
    let transport = OTLPHTTPTransport(urls: [.traces: "https://localhost:1"], settings: settings)
    let sink = OTLPSink(
      transport, settings: settings, id: "otlp_http", clock: ManualClock(), logger: Logger(label: "test"))
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
