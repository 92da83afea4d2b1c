// The pages for administrators.

import Admin
import Bytes
import HTTPServer
import SelfTelemetry
import System
import Testing

@Suite struct AdminEndpointsTests {
  private func endpoints(_ readiness: AdminEndpoints.Readiness = .ready) -> AdminEndpoints {
    let metrics = MetricRegistry()
    metrics.counter("otlpd_things", help: "Things seen.", labels: [Label("kind", "a")]).add(3)
    return AdminEndpoints(metrics: metrics) { readiness }
  }

  @Test("/metrics is Prometheus text with help, type and value")
  func metrics() throws {
    let answer = try #require(endpoints().answer(HTTPRequest(method: "GET", target: "/metrics"), isLocal: true))
    #expect(answer.status == 200)
    #expect(answer.contentType == "text/plain; version=0.0.4")
    #expect(
      answer.body.text == "# HELP otlpd_things Things seen.\n# TYPE otlpd_things counter\notlpd_things{kind=\"a\"} 3\n")
  }

  @Test("/healthz answers as long as the process lives")
  func health() throws {
    let answer = try endpoints(.notReady(reason: "starting")).answer(
      HTTPRequest(method: "GET", target: "/healthz"), isLocal: true)
    #expect(answer?.status == 200)
  }

  @Test("/readyz says why requests are not taken")
  func readiness() throws {
    let request = try HTTPRequest(method: "GET", target: "/readyz")
    #expect(endpoints().answer(request, isLocal: true)?.status == 200)
    let warned = endpoints(.readyWithWarnings(["s traces: paused: 401"])).answer(request, isLocal: true)
    #expect(warned?.status == 200)
    #expect(warned?.body.text == "ready\nwarning: s traces: paused: 401\n")
    let waiting = endpoints(.notReady(reason: "starting")).answer(request, isLocal: true)
    #expect(waiting?.status == 503)
    #expect(waiting?.body.text == "not ready: starting\n")
  }

  @Test("Other paths are left to others")
  func otherPaths() throws {
    #expect(try endpoints().answer(HTTPRequest(method: "GET", target: "/v1/traces"), isLocal: true) == nil)
    #expect(try endpoints().notFound(HTTPRequest(method: "GET", target: "/")).status == 404)
  }

  @Test("A page is read with GET or HEAD")
  func methods() throws {
    let answer = try endpoints().answer(HTTPRequest(method: "POST", target: "/metrics"), isLocal: true)
    #expect(answer?.status == 405)
    #expect(answer?.headers == [HTTPHeader("Allow", "GET, HEAD")])
    #expect(try endpoints().answer(HTTPRequest(method: "HEAD", target: "/metrics"), isLocal: true)?.status == 200)
  }
}
