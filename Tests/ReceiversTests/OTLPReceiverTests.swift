// What the OTLP/HTTP receiver answers.

import Bytes
import HTTPServer
import Journal
import Logging
import OTLP
import Pipeline
import Receivers
import SelfTelemetry
import System
import Testing

@Suite struct OTLPReceiverTests {
  /// A receiver in front of a journal that nothing but `keeper` reads.
  private struct Bench {
    let metrics = MetricRegistry()
    let receiver: OTLPReceiver
    let keeper: Cursor

    init(journalBytes: Int = 1 << 20, paths: [Signal: String]? = nil) {
      let clock = ManualClock()
      let journal = Journal(settings: JournalSettings(memoryBytesMax: journalBytes), clock: clock, metrics: metrics)
      keeper = journal.openCursor(sink: "keeper", signal: Signal.traces.rawValue, whenFull: .refuse)
      let pipeline = Pipeline(
        pipelines: [PipelineSettings(signal: .traces, receivers: ["otlp"], sinks: ["keeper"])], journal: journal,
        metrics: metrics, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }, clock: clock)
      receiver = OTLPReceiver(
        id: "otlp", paths: paths ?? [.traces: "/v1/traces"], pipeline: pipeline,
        misdirected: MisdirectedRequests(
          metrics: metrics, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }, clock: clock),
        metrics: ReceiverMetrics(receiver: "otlp", transport: "http", registry: metrics))
    }

    /// A counter of the receiver's traces.
    func counted(_ name: String) -> Int {
      let labels = [Label("receiver", "otlp"), Label("transport", "http"), Label("signal", "traces")]
      return metrics.counter(name, help: "", labels: labels).value
    }

    func answer(
      _ method: String = "POST", _ path: String = "/v1/traces", type: String? = "application/json", body: Bytes
    ) throws -> HTTPResponse {
      let headers = type.map { [HTTPHeader("Content-Type", $0)] } ?? []
      let request = try HTTPRequest(method: method, target: path, headers: headers, body: body)
      let answer = Lock<HTTPResponse?>(nil)
      receiver.handle(request, Reply { response in answer.withLock { $0 = response } })
      return try #require(answer.withLock { $0 })
    }
  }

  private static let oneSpan = Bytes(
    """
    {"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"5b8efff798038103d269b633813fc60c",\
    "spanId":"eee19b7ec3c1b174","name":"GET /orders","kind":2}]}]}]}
    """)

  @Test(
    "Who posts to a path that is nearly right is told what to change",
    arguments: [
      ("/", "root_path"), ("/v1/trace", "singular_path"), ("/v1/log/", "singular_path"),
      ("/v1/v1/traces", "doubled_path"), ("/v1/metrics/v1/metrics", "doubled_path"), ("/v2/traces", nil),
    ])
  func nearlyRight(path: String, kind: String?) throws {
    let bench = Bench()
    let answer = try bench.answer("POST", path, body: Self.oneSpan)
    #expect(answer.status == 404)
    #expect(answer.body.text.contains("/v1/traces"))
    for other in MisdirectedRequests.Kind.allCases {
      let counter = bench.metrics.counter(
        "otlpd_misdirected_requests", help: "", labels: [Label("kind", other.rawValue)])
      #expect(counter.value == (other.rawValue == kind ? 1 : 0))
      if other.rawValue == kind { #expect(answer.body.text.contains(other.advice)) }
    }
  }

  @Test("A JSON request is accepted with an empty object")
  func jsonAccepted() throws {
    let bench = Bench()
    let answer = try bench.answer(body: Self.oneSpan)
    #expect(answer.status == 200)
    #expect(answer.contentType == "application/json")
    #expect(answer.body.text == "{}")
    #expect(bench.keeper.status.pending.items == 1)
  }

  @Test("A protobuf request is accepted with an empty message in its own encoding")
  func protobufAccepted() throws {
    let bench = Bench()
    let payload = try ExportRequest(decoding: Self.oneSpan, as: .json, signal: .traces).payload
    let answer = try bench.answer(type: "application/x-protobuf", body: payload)
    #expect(answer.status == 200)
    #expect(answer.contentType == "application/x-protobuf")
    #expect(answer.body.isEmpty)
    #expect(bench.keeper.status.pending.items == 1)
  }

  @Test(
    "The content type counts without case and parameters",
    arguments: [
      "Application/JSON", "application/json; charset=utf-8", "application/json ;charset=UTF-8", "APPLICATION/JSON\t",
    ])
  func contentTypes(type: String) throws {
    #expect(try Bench().answer(type: type, body: Self.oneSpan).status == 200)
  }

  @Test(
    "A content type that is not OTLP's is refused with 415 and named",
    arguments: ["text/plain", "application/jsonx", "application/x-www-form-urlencoded", ""])
  func otherContentTypes(type: String) throws {
    let answer = try Bench().answer(type: type, body: Self.oneSpan)
    #expect(answer.status == 415)
    #expect(answer.body.text.contains("application/x-protobuf or application/json"))
    #expect(answer.body.text.contains("\"code\":3"))
  }

  @Test("A missing content type is refused with 415")
  func noContentType() throws {
    let answer = try Bench().answer(type: nil, body: Self.oneSpan)
    #expect(answer.status == 415)
    #expect(answer.body.text.contains("found none"))
  }

  @Test(
    "A method other than POST is refused with 405, Allow and one helpful line", arguments: ["GET", "PUT", "DELETE"])
  func otherMethods(method: String) throws {
    let answer = try Bench().answer(method, type: nil, body: Bytes())
    #expect(answer.status == 405)
    #expect(answer.headers.contains(HTTPHeader("Allow", "POST")))
    #expect(answer.body.text.contains("send telemetry with POST"))
    #expect(!answer.body.text.contains("\n"))
  }

  @Test("A path that no pipeline takes is refused with 404 and the paths that are taken")
  func unknownPath() throws {
    let answer = try Bench().answer("POST", "/v1/trace", body: Self.oneSpan)
    #expect(answer.status == 404)
    #expect(answer.body.text.contains("/v1/traces"))
  }

  @Test("A query string does not change the route")
  func query() throws {
    #expect(try Bench().answer("POST", "/v1/traces?tenant=a", body: Self.oneSpan).status == 200)
  }

  @Test("A malformed JSON body is refused with 400, its place and code 3")
  func malformedJSON() throws {
    let bench = Bench()
    let answer = try bench.answer(body: Bytes(#"{"resourceSpans":[{"resource":7}]}"#))
    #expect(answer.status == 400)
    #expect(answer.body.text.contains(#""code":3"#))
    #expect(answer.body.text.contains("resourceSpans[0].resource"))
    #expect(bench.counted("otlpd_malformed_requests") == 1)
  }

  @Test("A malformed protobuf body is refused in protobuf")
  func malformedProtobuf() throws {
    let answer = try Bench().answer(type: "application/x-protobuf", body: Bytes([0x0a, 0xff]))
    #expect(answer.status == 400)
    #expect(answer.contentType == "application/x-protobuf")
    // google.rpc.Status: field 1 is the code.
    #expect(answer.body.array.starts(with: [0x08, 0x03]))
  }

  @Test("A request without telemetry succeeds")
  func nothing() throws {
    #expect(try Bench().answer(type: "application/x-protobuf", body: Bytes()).status == 200)
    #expect(try Bench().answer(body: Bytes("{}")).status == 200)
  }

  @Test("A span with an id of the wrong length costs that span and is answered as a partial success")
  func partialSuccess() throws {
    let bench = Bench()
    // A span whose trace id has 15 bytes, and one without ids.
    let span: [UInt8] = [0x0a, 15] + [UInt8](repeating: 1, count: 15)
    let spans: [UInt8] = [0x12, UInt8(span.count)] + span + [0x12, 0x02, 0x30, 0x01]
    let scopeSpans: [UInt8] = [0x12, UInt8(spans.count)] + spans
    let answer = try bench.answer(
      type: "application/x-protobuf", body: Bytes([0x0a, UInt8(scopeSpans.count)] + scopeSpans))
    #expect(answer.status == 200)
    #expect(!answer.body.isEmpty)
    #expect(bench.keeper.status.pending.items == 1)
    #expect(bench.counted("otlpd_rejected_items") == 1)
  }

  @Test("A full journal answers 503 with a short Retry-After, and keeps what it has")
  func journalFull() throws {
    let bench = Bench(journalBytes: 1024)
    var last = try bench.answer(body: Self.oneSpan)
    for _ in 0..<8 where last.status == 200 { last = try bench.answer(body: Self.oneSpan) }
    #expect(last.status == 503)
    #expect(last.headers.contains(HTTPHeader("Retry-After", "1")))
    #expect(last.body.text.contains("\"code\":14"))
    #expect(bench.keeper.status.pending.items > 0)
  }

  @Test("A request larger than the whole journal answers 413")
  func largerThanJournal() throws {
    #expect(try Bench(journalBytes: 300).answer(body: Self.oneSpan).status == 413)
  }

  @Test("The server's own refusals become google.rpc.Status in the request's encoding")
  func serverRefusals() {
    #expect(throws: HTTPRefusal.self) { _ = try HTTPRequest(method: "GET", target: "no-slash") }
    do {
      _ = try HTTPRequest(method: "GET", target: "no-slash")
    } catch {
      let answer = OTLPReceiver.refusal(error)
      #expect(answer.status == error.status)
      #expect(answer.body.text.hasPrefix(#"{"code":3,"message":""#))
    }
  }
}
