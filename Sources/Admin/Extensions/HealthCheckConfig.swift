// The file's form of `extensions: health_check:`, with the keys of the Collector's second version.

package import Config
package import HTTPServer

/// Where supervisors ask whether otlpd works, and what they are told.
package struct HealthCheckConfig: PageExtensionConfig, Equatable {
  package static let type = "health_check"
  package static let isForStrangers = true

  package var endpoint = HostPort(host: "localhost", port: 13133)
  package var path = "/"
  /// Empty for the default, a JSON object.
  package var healthyBody = ""
  package var unhealthyBody = ""

  package init() {}

  package mutating func read(from map: MapReader) {
    map.read("endpoint", into: &endpoint)
    map.read("path", into: &path)
    var body = ResponseBody()
    map.read("response_body", into: &body)
    (healthyBody, unhealthyBody) = (body.healthy, body.unhealthy)
    map.inert("check_collector_pipeline")
    var hasSecondVersion = false
    map.read("use_v2", into: &hasSecondVersion)
    var http: SecondVersion?
    map.read("http", into: &http, isOnWhenEmpty: true)
    if http != nil, !hasSecondVersion { map.noteInert("http") }
    if let http, hasSecondVersion {
      if let other = http.endpoint { endpoint = other }
      path = http.path
    }
    map.inert("grpc")
    map.inert("component_health")
    map.require(
      path.hasPrefix("/") && !path.contains { $0.isWhitespace || $0 == "?" || $0 == "#" }, "path",
      "expected a path such as /healthz, found \(quoted(path))")
    map.readServerKeys()
  }

  package func makeHandler(_ context: PageContext) -> HTTPHandler {
    let check = HealthCheck(self, context)
    return { request, reply in reply.send(check.answer(request)) }
  }

  private struct ResponseBody: ConfigBlock {
    var healthy = ""
    var unhealthy = ""

    mutating func read(from map: MapReader) {
      map.read("healthy", into: &healthy)
      map.read("unhealthy", into: &unhealthy)
    }
  }

  /// `http:` of the second version, which has the status and the configuration on two paths.
  private struct SecondVersion: ConfigBlock {
    var endpoint: HostPort?
    var path: String { status.path }
    private var status = Status()

    init() {}

    mutating func read(from map: MapReader) {
      map.read("endpoint", into: &endpoint)
      map.read("status", into: &status)
      map.inert("config")
    }
  }

  private struct Status: ConfigBlock {
    var path = "/status"

    mutating func read(from map: MapReader) {
      map.read("path", into: &path)
      map.inert("enabled", default: true)
    }
  }
}
