// The extensions that answer on an address of their own.

import Admin
import Bytes
import Config
import HTTPServer
import SelfTelemetry
import System
import Testing

/// Asks the handler of an extension.
private struct Pages {
  let metrics = MetricRegistry()
  let clock = ManualClock()
  let readiness = Lock(AdminEndpoints.Readiness.ready)

  func context() -> PageContext {
    metrics.registerProcess(uptime: { 7449.25 }, cpuSeconds: { 0 }, residentBytes: { 0 })
    return PageContext(
      metrics: metrics, admin: AdminEndpoints(metrics: metrics) { [readiness] in readiness.withLock { $0 } },
      queries: QueryAPI(reader: nil, threads: QueryThreads(), clock: ManualClock()),
      service: ServiceDescription(
        version: "1.2.3", dataDirectory: "/data",
        pipelines: [
          ServiceDescription.Pipeline(
            id: "traces/<b>", signal: "traces", receivers: ["otlp"], processors: ["batch"], sinks: ["nop"])
        ], extensions: ["zpages"]), clock: clock)
  }

  func ask(
    _ config: some PageExtensionConfig, _ path: String, method: String = "GET"
  ) throws -> HTTPResponse {
    let answer = Lock<HTTPResponse?>(nil)
    let request = try HTTPRequest(method: method, target: path)
    config.makeHandler(context())(request, Reply { response in answer.withLock { $0 = response } })
    return try #require(answer.withLock { $0 })
  }
}

@Suite struct HealthCheckTests {
  private let pages = Pages()

  @Test("The default body is the Collector's JSON")
  func ready() throws {
    let answer = try pages.ask(HealthCheckConfig(), "/")
    #expect(answer.status == 200 && answer.contentType == "application/json")
    #expect(
      answer.body.text
        == #"{"status":"Server available","upSince":"2025-10-09T06:49:10.750Z","uptime":"2h4m9.25s"}"#)
  }

  @Test("Before the listeners are open and while it stops, it says 503")
  func notReady() throws {
    pages.readiness.withLock { $0 = .notReady(reason: "starting") }
    let answer = try pages.ask(HealthCheckConfig(), "/")
    #expect(answer.status == 503)
    #expect(
      answer.body.text == #"{"status":"Server not available","upSince":"0001-01-01T00:00:00Z","uptime":""}"#)
  }

  @Test("Warnings are no reason to be restarted")
  func warned() throws {
    pages.readiness.withLock { $0 = .readyWithWarnings(["a sink lags"]) }
    #expect(try pages.ask(HealthCheckConfig(), "/").status == 200)
  }

  @Test("Bodies of one's own take the place of the default")
  func bodies() throws {
    var config = HealthCheckConfig()
    config.healthyBody = "fine"
    config.unhealthyBody = "ill"
    #expect(try pages.ask(config, "/").body.text == "fine")
    pages.readiness.withLock { $0 = .notReady(reason: "starting") }
    let answer = try pages.ask(config, "/")
    #expect(answer.status == 503 && answer.body.text == "ill")
  }

  @Test(
    "A path that ends with a slash stands for everything below it, as in the Collector",
    arguments: [
      ("/", "/", 200), ("/", "/health/status", 200), ("/live", "/live", 200), ("/live", "/live/x", 404),
      ("/live", "/", 404), ("/live/", "/live/x", 200), ("/live/", "/live", 404),
    ])
  func paths(configured: String, asked: String, status: Int) throws {
    var config = HealthCheckConfig()
    config.path = configured
    #expect(try pages.ask(config, asked).status == status)
  }

  @Test("Whatever method a load balancer uses, it gets the answer", arguments: ["GET", "HEAD", "POST", "OPTIONS"])
  func methods(method: String) throws {
    #expect(try pages.ask(HealthCheckConfig(), "/", method: method).status == 200)
  }
}

@Suite struct ZPagesTests {
  private let pages = Pages()

  @Test(
    "Every page is HTML that loads and runs nothing",
    arguments: ["", "/servicez", "/pipelinez", "/extensionz", "/tracez"])
  func html(page: String) throws {
    let answer = try pages.ask(ZPagesConfig(), "/debug" + page)
    #expect(answer.status == 200 && answer.contentType == "text/html; charset=utf-8")
    let policy = answer.headers.first { $0.name == "Content-Security-Policy" }
    #expect(policy?.value.hasPrefix("default-src 'none'") == true)
    #expect(answer.body.text.hasPrefix("<!DOCTYPE html>"))
    for forbidden in ["<script", "src=", "http://", "https://", "<link", "@import"] {
      #expect(!answer.body.text.contains(forbidden))
    }
  }

  @Test("Names and errors are shown as text, whatever is in them")
  func escaped() throws {
    let operation = try #require(pages.metrics.activity.operation("exporter/<img src=x> traces"))
    operation.began()
    operation.ended(after: 0.002, at: pages.clock.wall, failure: "</td><script>alert('x')</script>\u{1b}[2J\u{202e}")
    let text = try pages.ask(ZPagesConfig(), "/debug/tracez").body.text
    #expect(!text.contains("<script>") && !text.contains("<img") && !text.contains("\u{1b}"))
    #expect(text.contains("&lt;/td&gt;&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;\\u{1b}[2J\\u{202e}"))
    #expect(try pages.ask(ZPagesConfig(), "/debug/pipelinez").body.text.contains("traces/&lt;b&gt;"))
  }

  @Test("tracez sorts what was measured into latency buckets")
  func buckets() throws {
    let operation = try #require(pages.metrics.activity.operation("receiver/otlp http traces"))
    for seconds in [0.000_001, 0.000_05, 0.000_06, 0.5, 1000] {
      operation.began()
      operation.ended(after: seconds, at: 0, failure: nil)
    }
    operation.began()
    let text = try pages.ask(ZPagesConfig(), "/debug/tracez").body.text
    let cells = ["receiver/otlp http traces", "1", "1", "2", "0", "0", "0", "1", "0", "0", "1", "0"]
    #expect(text.contains("<tr>" + cells.map { "<td>\($0)</td>" }.joined() + "</tr>"))
  }

  @Test("What is asked of the pages is measured from then on, and not before")
  func watching() throws {
    #expect(!pages.metrics.activity.isWatched)
    _ = try pages.ask(ZPagesConfig(), "/debug/tracez")
    #expect(pages.metrics.activity.isWatched)
  }

  @Test("pipelinez shows the sums of each exporter's series")
  func sums() throws {
    let labels = [Label("exporter", "nop"), Label("signal", "traces")]
    pages.metrics.reading("otlpd_exporter_accepted_items", kind: .counter, help: "h", labels: labels) { 12 }
    for reason in ["a", "b"] {
      pages.metrics.counter("otlpd_dropped_items", help: "h", labels: labels + [Label("reason", reason)]).add(2)
    }
    let text = try pages.ask(ZPagesConfig(), "/debug/pipelinez").body.text
    let cells = ["nop", "traces", "12", "0", "0", "0", "4", "no"]
    #expect(text.contains("<tr>" + cells.map { "<td>\($0)</td>" }.joined() + "</tr>"))
  }

  @Test("Other paths and methods are refused")
  func refusals() throws {
    #expect(try pages.ask(ZPagesConfig(), "/debug/expvarz").status == 404)
    let answer = try pages.ask(ZPagesConfig(), "/debug/tracez", method: "POST")
    #expect(answer.status == 405 && answer.headers == [HTTPHeader("Allow", "GET, HEAD")])
  }
}
