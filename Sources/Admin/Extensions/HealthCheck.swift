// The answers of the `health_check` extension.

internal import Bytes
internal import HTTPServer
internal import System

/// Tells supervisors whether telemetry is taken, as the Collector's extension does.
struct HealthCheck: Sendable {
  private let config: HealthCheckConfig
  private let context: PageContext

  init(_ config: HealthCheckConfig, _ context: PageContext) {
    self.config = config
    self.context = context
  }

  /// The Collector answers whatever method; a path that ends with a slash stands for everything below it.
  func answer(_ request: HTTPRequest) -> HTTPResponse {
    let path = request.path
    guard path == config.path || config.path.hasSuffix("/") && path.hasPrefix(config.path) else {
      return HTTPResponse(
        status: 404, contentType: "text/plain; charset=utf-8", body: Bytes("the health is at \(config.path)\n"))
    }
    var isReady = true
    if case .notReady = context.readiness() { isReady = false }
    let text = isReady ? config.healthyBody : config.unhealthyBody
    return HTTPResponse(
      status: isReady ? 200 : 503, contentType: text.isEmpty ? "application/json" : "text/plain; charset=utf-8",
      body: text.isEmpty ? body(isReady: isReady) : Bytes(text))
  }

  private func body(isReady: Bool) -> Bytes {
    let uptime = context.uptime
    let start = UTCTime(unixNanoseconds: context.clock.wall - min(uptime.nanoseconds, context.clock.wall))
    var json = JSONText()
    json.object { json in
      json.field("status", isReady ? "Server available" : "Server not available")
      // Go's zero time, which is what the Collector writes then.
      json.field("upSince", isReady ? start.timestamp : "0001-01-01T00:00:00Z")
      json.field("uptime", isReady ? uptime.goText : "")
    }
    return json.finish()
  }
}

extension Duration {
  /// As Go prints durations: `49.013s`, `2h3m4.5s`.
  var goText: String {
    let whole = milliseconds / 1000
    let (hours, minutes) = (whole / 3600, whole / 60 % 60)
    let fraction = milliseconds % 1000
    var text = hours > 0 ? "\(hours)h" : ""
    if whole >= 60 { text += "\(minutes)m" }
    text += "\(whole % 60)"
    if fraction > 0 {
      var digits = String(String(1000 + fraction).dropFirst())
      while digits.hasSuffix("0") { digits.removeLast() }
      text += ".\(digits)"
    }
    return text + "s"
  }
}
