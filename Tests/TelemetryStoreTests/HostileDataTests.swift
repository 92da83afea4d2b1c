// What a hostile or careless client sends: stored as it came, found again, and bounded where it is counted.

import Bytes
import OTLP
import SQLite
import System
import TelemetryStore
import Testing

@Suite struct HostileDataTests {
  let fixture = Fixture()

  private var window: TimeWindow {
    get throws { try #require(TimeWindow(from: Int64(noon) - 1, to: Int64(noon) + 3_600_000_000_000)) }
  }

  private func store(_ requests: [ExportRequest]) throws -> StoreReader {
    let store = try fixture.openStore()
    for (offset, request) in requests.enumerated() {
      try store.write(signal: request.signal, requests: [request], journal: 1, lastSequence: UInt64(offset + 1))
    }
    store.close()
    return StoreReader(directory: fixture.temporary.path)
  }

  /// As JSON writes it.
  private func quoted(_ text: String) -> String {
    var json = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"", "\\": json += "\\\(scalar)"
      case _ where scalar.value < 0x20: json += "\\u" + hex(Int(scalar.value), 4)
      default: json.unicodeScalars.append(scalar)
      }
    }
    return json + "\""
  }

  @Test(
    "Quotes, control characters and SQL are text like any other, wherever they stand",
    arguments: [
      #"a'b"c\d"#, "'; DROP TABLE span_rows; --", "tab\tline\nbell\u{7}", "zero\0in the middle", "%_\\%",
      "\u{202e}rtl\u{feff}",
      "Ärger 😀 e\u{301}", "$.\"x\"", "NEAR(a b) OR *", "?1", "(other)",
    ])
  func texts(text: String) throws {
    let value = quoted(text)
    let attribute = #"{"key":"k","value":{"stringValue":\#(value)}}"#
    let reader = try store([
      ExportRequest(
        .traces,
        json: #"""
          {"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":\#(value)}}]},
            "scopeSpans":[{"scope":{"name":\#(value)},"spans":[{"traceId":"\#(hex(1, 32))","spanId":"\#(hex(1, 16))",
              "name":\#(value),"kind":2,"startTimeUnixNano":"\#(noon)","endTimeUnixNano":"\#(noon + 9)",
              "attributes":[\#(attribute),{"key":"http.route","value":{"stringValue":\#(value)}},
                {"key":"http.request.method","value":{"stringValue":\#(value)}}],
              "status":{"code":2,"message":\#(value)},"events":[{"name":\#(value),"attributes":[\#(attribute)]}]}]}]}]}
          """#),
      ExportRequest(
        .logs,
        json: #"""
          {"resourceLogs":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":\#(value)}}]},
            "scopeLogs":[{"logRecords":[{"timeUnixNano":"\#(noon)","severityText":\#(value),
              "body":{"stringValue":\#(value)}}]}]}]}
          """#),
      ExportRequest(
        .metrics,
        json: #"""
          {"resourceMetrics":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":\#(value)}}]},
            "scopeMetrics":[{"metrics":[{"name":\#(value),"unit":\#(value),"gauge":{"dataPoints":[
              {"timeUnixNano":"\#(noon)","asInt":"5","attributes":[\#(attribute)]}]}}]}]}]}
          """#),
    ])
    #expect(try reader.services(window).value.map(\.name) == [text])
    let row = try #require(reader.operations(window).value.rows.first)
    #expect(row.operation.service == text && row.operation.name == "\(text) \(text)")
    var filter = TraceFilter()
    filter.service = text
    filter.route = text
    filter.method = text
    filter.name = text
    // For SQLite's JSON functions, a text ends at a zero.
    let attributes = text.utf8.contains(0) ? [] : [("k", text)]
    filter.attributes = attributes
    filter.isError = true
    #expect(try reader.traces(window, filter, limit: 5).value.traces.map(\.rootName) == [text])
    filter = TraceFilter()
    filter.text = text
    // A text search looks into JSON, where a character may be written in another way.
    _ = try reader.traces(window, filter, limit: 5)
    let id = try #require(TraceID(hex(1, 32)))
    let span = try #require(reader.trace(id).value.spans.first)
    #expect(span.name == text && span.service == text && span.scopeName == text && span.statusMessage == text)
    let log = try #require(reader.logs(window, LogFilter(), limit: 5).value.logs.first)
    #expect(log.body?.text == text && log.severityText == text)
    var words = LogFilter()
    words.text = text
    _ = try reader.logs(window, words, limit: 5)
    var metric = MetricFilter(name: text)
    metric.attributes = attributes
    #expect(try reader.metric(window, metric).value.lines.map(\.service) == [text])
    #expect(try reader.findings(window, service: text).value.isEmpty)
  }

  @Test("An attribute of a megabyte and a span of ten thousand attributes are stored and read back")
  func largeValues() throws {
    let long = String(repeating: "0123456789abcdef", count: 65_536)
    let many = (0..<10_000).map { #"{"key":"k\#($0)","value":{"intValue":"\#($0)"}}"# }.joined(separator: ",")
    let reader = try store([
      .span(trace: 1, more: #","attributes":[{"key":"long","value":{"stringValue":"\#(long)"}}]"#),
      .span(trace: 2, more: #","attributes":[\#(many)]"#),
      .span(trace: 3, more: #","attributes":[{"key":"http.route","value":{"stringValue":"\#(long)"}}]"#),
      .log(long),
    ])
    let id = try #require(TraceID(hex(1, 32)))
    let first = try #require(reader.trace(id).value.spans.first)
    #expect(first.attributes?.text == #"{"long":"\#(long)"}"#)
    var filter = TraceFilter()
    filter.attributes = [("k9999", "9999")]
    #expect(try reader.traces(window, filter, limit: 5).value.traces.map(\.traceID) == [hex(2, 32)])
    #expect(try reader.logs(window, LogFilter(), limit: 5).value.logs.first?.body?.text == long)
    // Names are cut, and rows are not.
    let names = try reader.operations(window).value.rows.map(\.operation.name.utf8.count)
    #expect(names.max() == 2048)
    filter = TraceFilter()
    filter.route = long
    #expect(try reader.traces(window, filter, limit: 5).value.traces.count == 1)
  }

  @Test("A hundred thousand routes are 500 and (other), and no request is missing")
  func manyRoutes() throws {
    let store = try fixture.openStore()
    for part in 0..<10 {
      let spans = (0..<10_000).map { number in
        span(
          trace: part * 10_000 + number + 1, kind: 2,
          attributes: [("http.method", "GET"), ("http.route", "/\(part)/\(number)")])
      }
      try store.write(
        signal: .traces, requests: [request("shop", spans)], journal: 1, lastSequence: UInt64(part + 1))
    }
    store.close()
    let rows = try StoreReader(directory: fixture.temporary.path).operations(window).value.rows
    #expect(rows.count == 501)
    #expect(rows.reduce(0) { $0 + $1.statistics.requests } == 100_000)
    #expect(rows.first { $0.operation.name == "(other)" }?.statistics.requests == 99_500)
    #expect(try fixture.value("SELECT count(*) FROM span_rows") == .integer(100_000))
  }
}
