// What the console shows, letter by letter.

import Bytes
import Journal
import Logging
import OTLP
import Pipeline
import Sinks
import System
import Testing

@Suite("DebugSink")
struct DebugSinkTests {
  /// Keeps what is printed.
  private final class Paper: Sendable {
    private let text = Lock("")
    func print(_ piece: String) { text.withLock { $0 += piece } }
    var all: String { text.withLock { $0 } }
  }

  /// Keeps log lines as `level message key=value …`, keys in order.
  private struct PaperLogHandler: LogHandler {
    let paper: Paper
    var metadata: Logger.Metadata = [:]
    var logLevel = Logger.Level.info

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
      get { metadata[key] }
      set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
      let fields = metadata.merging(event.metadata ?? [:]) { $1 }.sorted { $0.key < $1.key }
      paper.print("\(event.level) \(event.message)\(fields.map { " \($0.key)=\($0.value)" }.joined())\n")
    }
  }

  private func printed(
    _ verbosity: DebugSettings.Verbosity, usesLogger: Bool = false, _ signal: Signal, _ documents: String...
  ) throws -> String {
    let paper = Paper()
    let logger = Logger(label: "test") { _ in PaperLogHandler(paper: paper) }
    let settings = DebugSettings(verbosity: verbosity, usesLogger: usesLogger)
    let sink = DebugSink(settings: settings, id: "debug/x", logger: logger) { paper.print($0) }
    sink.start()
    let requests = try documents.map { try ExportRequest(decoding: Bytes($0), as: .json, signal: signal) }
    let batch = Batch(signal: signal, requests: requests, journalID: JournalID(bits: 1), lastSequence: 1)
    #expect(sink.export(batch) == nil)
    sink.stop()
    return paper.all
  }

  private func traces(_ service: String, spans names: String...) -> String {
    let spans = names.map {
      """
      {"traceId":"0102030405060708090a0b0c0d0e0f10","spanId":"0102030405060708","name":"\($0)","attributes":[
        {"key":"http.route","value":{"stringValue":"/o"}},{"key":"n","value":{"intValue":"5"}}]}
      """
    }
    return """
      {"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"\(service)"}}]},
        "schemaUrl":"https://s/1","scopeSpans":[{"scope":{"name":"lib","version":"1.2","attributes":[
        {"key":"short","value":{"boolValue":true}}]},"spans":[\(spans.joined(separator: ","))]}]}]}
      """
  }

  private let metrics = """
    {"resourceMetrics":[{"scopeMetrics":[{"metrics":[
      {"name":"g","gauge":{"dataPoints":[{"asDouble":2.5},
        {"asInt":"-7","attributes":[{"key":"a","value":{"intValue":1}},{"key":"b","value":{"stringValue":"c"}}]}]}},
      {"name":"h","histogram":{"dataPoints":[{"count":"10","sum":6.5,"min":1,"max":4,
        "explicitBounds":[0.5,1],"bucketCounts":["2","1","7"]}]}},
      {"name":"e","exponentialHistogram":{"dataPoints":[{"count":6,"sum":-1,"scale":0,"zeroCount":1,
        "positive":{"offset":1,"bucketCounts":[2,1]},"negative":{"offset":-1,"bucketCounts":[1,1]}}]}},
      {"name":"s","summary":{"dataPoints":[{"count":3,"sum":1.5,
        "quantileValues":[{"quantile":0.5,"value":0.25},{"quantile":1,"value":1}]}]}}]}]}]}
    """

  private let logs = """
    {"resourceLogs":[{"scopeLogs":[{"logRecords":[
      {"body":{"stringValue":"hello"},"attributes":[{"key":"d","value":{"doubleValue":3}}]},
      {"body":{"kvlistValue":{"values":[{"key":"k","value":{"arrayValue":{"values":[{"intValue":1}]}}}]}}},
      {"body":{"stringValue":"two\\nlines \\u001b[2J"}},{}]}]}]}
    """

  @Test("Basic, as log lines: the Collector's message and counts, with its fields")
  func basicLogged() throws {
    let fields = "otelcol.component.id=debug/x otelcol.component.kind=exporter otelcol.signal="
    let traces = try printed(.basic, usesLogger: true, .traces, traces("a", spans: "x", "y"), traces("b", spans: "z"))
    #expect(traces == "info Traces \(fields)traces resource spans=2 spans=3\n")
    let points = try printed(.basic, usesLogger: true, .metrics, metrics)
    #expect(points.hasPrefix("info Metrics data points=5 metrics=4 otelcol.component.id=debug/x"))
    #expect(points.hasSuffix("resource metrics=1\n"))
    let records = try printed(.basic, usesLogger: true, .logs, logs)
    #expect(records.hasPrefix("info Logs log records=4 "))
  }

  @Test("Basic, as plain text: one line per batch with the services and the first different names")
  func basicPlain() throws {
    let one = try printed(.basic, .traces, traces("checkout", spans: "GET /orders/{id}", "SELECT orders"))
    #expect(one == "Traces  resource spans=1 spans=2  checkout: GET /orders/{id}, SELECT orders\n")
    let many = try printed(
      .basic, .traces, traces("a", spans: "x", "x"), traces("b", spans: "x"), traces("b", spans: "y", "z"))
    #expect(many == "Traces  resource spans=3 spans=5  a: x; b: x, y, …\n")
    #expect(try printed(.basic, .traces, "{}") == "Traces  resource spans=0 spans=0\n")
    #expect(try printed(.basic, .logs, logs).contains("log records=4  hello, {\"k\":[1]}, two\\nlines \\u001b[2J, …"))
  }

  @Test("Normal: a line per span under its resource and scope, whose numbers go on through the batch")
  func normalTraces() throws {
    let text = try printed(.normal, .traces, traces("a", spans: "x", "y"), traces("b", spans: "z"))
    let ids = "0102030405060708090a0b0c0d0e0f10 0102030405060708 http.route=/o n=5"
    #expect(
      text == """
        Traces  resource spans=2 spans=3  a: x, y; b: z
        ResourceTraces #0 [https://s/1] service.name=a
        ScopeTraces #0 lib@1.2 short=true
        x \(ids)
        y \(ids)
        ResourceTraces #1 [https://s/1] service.name=b
        ScopeTraces #0 lib@1.2 short=true
        z \(ids)

        """)
  }

  @Test("Normal: a line per data point of every kind")
  func normalMetrics() throws {
    let text = try printed(.normal, .metrics, metrics)
    #expect(
      text == """
        Metrics  resource metrics=1 metrics=4 data points=5  g, h, e, …
        ResourceMetrics #0
        ScopeMetrics #0
        g{} 2.5
        g{a=1,b=c} -7
        h{} count=10 sum=6.5 min=1 max=4 le0.5=2 le1=1 7
        e{} count=6 sum=-1 le-1=1 le-0.5=1 zero=1 le4=2 le8=1
        s{} count=3 sum=1.5 q0.5=0.25 q1=1

        """)
  }

  @Test("Normal: a line per log record, however many lines its body has")
  func normalLogs() throws {
    let text = try printed(.normal, .logs, logs)
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false).dropFirst()
    #expect(
      Array(lines) == [
        "ResourceLog #0", "ScopeLog #0", "hello d=3", "{\"k\":[1]}", "two\\nlines \\u001b[2J", "", "",
      ])
  }

  @Test("Detailed prints what normal prints, and says so once at the start")
  func detailed() throws {
    let text = try printed(.detailed, usesLogger: true, .logs, logs)
    let lines = text.split(separator: "\n")
    #expect(lines[0].hasPrefix("warning verbosity detailed does not exist yet"))
    #expect(lines[1].hasPrefix("info Logs "))
    #expect(lines.filter { $0.hasPrefix("info hello") }.count == 1)
  }

  @Test("A line has an end, whatever a client sends")
  func longLine() throws {
    let name = String(repeating: "n", count: 100_000)
    let text = try printed(.normal, .traces, traces("a", spans: name))
    #expect(text.split(separator: "\n").allSatisfy { $0.unicodeScalars.count < 5000 })
  }

  @Test("The nop sink takes everything")
  func nop() throws {
    let sink = NopSink()
    sink.start()
    let batch = Batch(signal: .logs, requests: [], journalID: JournalID(bits: 1), lastSequence: 1)
    #expect(sink.export(batch) == nil)
    sink.stop()
  }
}
