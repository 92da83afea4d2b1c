// The pages of the `zpages` extension: what is configured, what flows, and what went wrong lately.

internal import Bytes
internal import HTTPServer
internal import SelfTelemetry
internal import System

/// Answers `/debug/…` from the metrics and from what `Activity` has measured; keeps nothing itself.
struct ZPages: Sendable {
  private let context: PageContext

  init(_ context: PageContext) { self.context = context }

  /// Runs on a reactor thread.
  ///
  /// - Parameter isLocal: whether the listener can be reached from this machine only; web pages that pretend to be
  ///   from there are turned away then.
  func answer(_ request: HTTPRequest, isLocal: Bool) -> HTTPResponse {
    func text(_ status: Int, _ body: String, _ headers: [HTTPHeader] = []) -> HTTPResponse {
      HTTPResponse(status: status, contentType: "text/plain; charset=utf-8", body: Bytes(body), headers: headers)
    }
    guard request.method == .get || request.method == .head else {
      return text(405, "read this page with GET\n", [HTTPHeader("Allow", "GET, HEAD")])
    }
    if let refusal = AdminEndpoints.refusal(of: request, isLocal: isLocal) { return refusal }
    switch request.path {
    case "/", "/debug", "/debug/": return index
    case "/debug/servicez": return service
    case "/debug/pipelinez": return pipelines
    case "/debug/extensionz": return extensions
    case "/debug/tracez": return operations
    default: return text(404, "no such page; there are /debug/servicez, pipelinez, extensionz and tracez\n")
    }
  }

  private var index: HTTPResponse {
    var page = HTMLPage(title: "otlpd")
    page.link("/debug/servicez", "what runs here")
    page.link("/debug/pipelinez", "what flows from where to where")
    page.link("/debug/extensionz", "the extensions in service")
    page.link("/debug/tracez", "how long requests and exports take, and which failed lately")
    return page.response
  }

  private var service: HTTPResponse {
    var page = HTMLPage(title: "servicez")
    let start = UTCTime(unixNanoseconds: context.clock.wall - min(context.uptime.nanoseconds, context.clock.wall))
    let state =
      switch context.readiness() {
      case .ready: "ready"
      case .readyWithWarnings: "ready, with warnings"
      case .notReady(let reason): "not ready: \(reason)"
      }
    page.table(
      ["Service", "otlpd"],
      [
        ["Version", context.service.version], ["State", state], ["Started", start.timestamp],
        ["Uptime", context.uptime.goText], ["Process", "\(ProcessStatistics.identifier)"],
        ["Processors", "\(ProcessStatistics.processors)"], ["Data directory", context.service.dataDirectory],
      ])
    if case .readyWithWarnings(let warnings) = context.readiness() {
      page.heading("Warnings")
      for warning in warnings { page.paragraph(warning) }
    }
    page.heading("Process and journal")
    page.table(
      ["Metric", "Value"],
      [
        "otelcol_process_cpu_seconds", "otelcol_process_memory_rss", "otlpd_connections",
        "otlpd_memory_in_flight_bytes", "otlpd_journal_records", "otlpd_journal_bytes", "otlpd_journal_capacity_bytes",
        "otlpd_journal_oldest_age_seconds",
      ].map { [$0, number($0)] })
    return page.response
  }

  private var pipelines: HTTPResponse {
    var page = HTMLPage(title: "pipelinez")
    page.table(
      ["Pipeline", "Receivers", "Processors", "Exporters"],
      context.service.pipelines.map { pipeline in
        [pipeline.id] + [pipeline.receivers, pipeline.processors, pipeline.sinks].map { $0.joined(separator: ", ") }
      })
    page.heading("Receivers")
    page.paragraph("Items taken over and refused since the start.")
    page.table(
      ["Receiver", "Transport", "Signal", "Accepted", "Refused"],
      ["spans", "metric_points", "log_records"].flatMap { items in
        context.metrics.values(of: "otelcol_receiver_accepted_\(items)").map { labels, value in
          [
            label("receiver", labels), label("transport", labels), items, whole(value),
            number("otelcol_receiver_refused_\(items)", labels),
          ]
        }
      })
    page.heading("Exporters")
    page.paragraph("Items since the start: what was accepted is delivered, pending, or dropped with a reason.")
    page.table(
      ["Exporter", "Signal", "Accepted", "Pending", "Lag in seconds", "Failed attempts", "Dropped", "Paused"],
      context.metrics.values(of: "otlpd_exporter_accepted_items").map { labels, value in
        [
          label("exporter", labels), label("signal", labels), whole(value),
          number("otlpd_exporter_pending_items", labels), number("otlpd_exporter_lag_seconds", labels),
          number("otlpd_exporter_retries", labels), number("otlpd_dropped_items", labels),
          number("otlpd_exporter_paused", labels) == "1" ? "yes" : "no",
        ]
      })
    return page.response
  }

  private var extensions: HTTPResponse {
    var page = HTMLPage(title: "extensionz")
    page.table(["Extension"], context.service.extensions.map { [$0] })
    return page.response
  }

  private var operations: HTTPResponse {
    var page = HTMLPage(title: "tracez")
    page.paragraph(
      "Requests from their last byte to their answer, and attempts to deliver a batch, since the page's extension was"
        + " started.")
    let operations = context.metrics.activity.operations
    let bounds = ["0", "10 µs", "100 µs", "1 ms", "10 ms", "100 ms", "1 s", "10 s", "100 s"]
    page.table(
      ["Operation", "Running"] + bounds.map { "> \($0)" } + ["Errors"],
      operations.map { operation in
        let counts = operation.latency.cumulativeCounts
        let own = counts.enumerated().map { $0.offset == 0 ? $0.element : $0.element - counts[$0.offset - 1] }
        return [operation.name, "\(operation.runningCount)"] + own.map { "\($0)" } + ["\(operation.failureCount)"]
      })
    for operation in operations where !operation.failures.isEmpty {
      page.heading("Last errors of \(operation.name)")
      page.table(
        ["Time", "After", "Error"],
        operation.failures.reversed().map { failure in
          let micros = Int((failure.seconds * 1e6).rounded())
          return [UTCTime(unixNanoseconds: failure.time).timestamp, "\(micros) µs", failure.reason]
        })
    }
    return page.response
  }

  // MARK: Reading the metrics

  private func label(_ name: String, _ labels: [Label]) -> String { labels.first { $0.name == name }?.value ?? "" }

  /// The sum of the series with at least these labels.
  private func number(_ name: String, _ labels: [Label] = []) -> String {
    let series = context.metrics.values(of: name).filter { series in labels.allSatisfy(series.labels.contains) }
    return whole(series.reduce(0) { $0 + $1.value })
  }

  /// Without more digits than a reader wants.
  private func whole(_ value: Double) -> String {
    abs(value) < 1e15 && value == value.rounded() ? String(Int(value)) : String((value * 1000).rounded() / 1000)
  }
}
