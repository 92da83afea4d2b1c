// What an administrator asks a running otlpd: its metrics, whether it lives, whether it is ready.

internal import Bytes
package import HTTPServer
package import SelfTelemetry

/// Answers `/metrics`, `/healthz` and `/readyz`.
///
/// On the OTLP port and on the telemetry port alike, so `curl localhost:4318/metrics` works without a setting.
package struct AdminEndpoints: Sendable {
  /// Whether requests are taken, and why not.
  package enum Readiness: Sendable, Equatable {
    case ready
    /// Requests are taken, and somebody should look before they are not.
    case readyWithWarnings([String])
    case notReady(reason: String)
  }

  /// Pages that tell a stranger nothing, and that supervisors ask for without credentials.
  package static let openPaths: Set<String> = ["/healthz", "/readyz"]

  private let metrics: MetricRegistry
  package let readiness: @Sendable () -> Readiness

  package init(metrics: MetricRegistry, readiness: @escaping @Sendable () -> Readiness) {
    self.metrics = metrics
    self.readiness = readiness
  }

  /// The answer when the path is one of this type's, else nil. Runs on a reactor thread.
  ///
  /// - Parameters:
  ///   - isLocal: whether the listener can be reached from this machine only; web pages that pretend to be from there
  ///     are turned away then.
  ///   - naming: how the listener's readers spell the metrics.
  package func answer(
    _ request: HTTPRequest, isLocal: Bool, naming: MetricNaming = MetricNaming()
  ) -> HTTPResponse? {
    guard let page = page(for: request, naming) else { return nil }
    guard request.method == .get || request.method == .head else {
      return text(405, "read this page with GET\n", headers: [HTTPHeader("Allow", "GET, HEAD")])
    }
    if AdminEndpoints.openPaths.contains(request.path) { return page() }
    return AdminEndpoints.refusal(of: request, isLocal: isLocal) ?? page()
  }

  /// Answers a whole port: these pages, and the query API unless that is elsewhere.
  package func handler(
    isLocal: Bool, naming: MetricNaming = MetricNaming(), queries: QueryAPI?
  ) -> HTTPHandler {
    { request, reply in
      if let page = answer(request, isLocal: isLocal, naming: naming) { return reply.send(page) }
      if let refusal = AdminEndpoints.refusal(of: request, isLocal: isLocal) { return reply.send(refusal) }
      if queries?.handle(request, reply) != true { reply.send(notFound(request)) }
    }
  }

  /// What a request is told whose Host is not this machine's, on a listener that only this machine reaches; else nil.
  package static func refusal(of request: HTTPRequest, isLocal: Bool) -> HTTPResponse? {
    if !isLocal || request.isForLocalHost { return nil }
    let host = request.header("host") ?? ""
    // RFC 9110 section 15.5.20: the request came to a server that does not answer for this host.
    return HTTPResponse(
      status: 421, contentType: "text/plain; charset=utf-8",
      body: Bytes("this page is for this machine: ask localhost or its address for it, not \"\(host)\"\n"))
  }

  /// The answer to a path that nothing serves, on a port that serves these pages alone.
  package func notFound(_ request: HTTPRequest) -> HTTPResponse {
    text(404, "no such page; there are /metrics, /healthz, /readyz and /api/v1/\n")
  }

  private func page(for request: HTTPRequest, _ naming: MetricNaming) -> (() -> HTTPResponse)? {
    // Every request to the OTLP port comes here first: what is no page is seen without making a `String`.
    if request.isAt("/metrics") {
      return {
        // Prometheus exposition format 0.0.4 names this content type.
        HTTPResponse(status: 200, contentType: "text/plain; version=0.0.4", body: Bytes(metrics.render(naming)))
      }
    }
    if request.isAt("/healthz") { return { text(200, "ok\n") } }
    if request.isAt("/readyz") {
      return {
        switch readiness() {
        case .ready: text(200, "ready\n")
        case .readyWithWarnings(let warnings): text(200, "ready\n" + warnings.map { "warning: \($0)\n" }.joined())
        case .notReady(let reason): text(503, "not ready: \(reason)\n")
        }
      }
    }
    return nil
  }

  private func text(_ status: Int, _ body: String, headers: [HTTPHeader] = []) -> HTTPResponse {
    HTTPResponse(status: status, contentType: "text/plain; charset=utf-8", body: Bytes(body), headers: headers)
  }
}
