// Why no telemetry arrives, from the counters of a running otlpd.

internal import HTTPServer

/// Turns counters into sentences.
package struct Arrivals: Sendable {
  private static let place = "telemetry"

  private let samples: PrometheusSamples

  package init(_ samples: PrometheusSamples) { self.samples = samples }

  /// Items that were taken over since the start.
  private var accepted: Double { samples.sum(prefix: "otelcol_receiver_accepted_") }

  /// What was found; the first says whether anything arrives.
  package var findings: [DoctorFinding] {
    let troubles = refusals + doors + delivery
    let uptime = Quantity.duration(milliseconds: samples.sum(prefix: "otelcol_process_uptime") * 1000)
    guard accepted == 0 else {
      return [DoctorFinding(.ok, Arrivals.place, "\(count(accepted, "item")) accepted since the start")] + troubles
    }
    let isAnybodyThere = !(refusals + doors).isEmpty
    let text =
      isAnybodyThere
      ? "none was accepted since the start, though clients connect: see below"
      : "none has arrived since the start \(uptime) ago, and no client was refused: nothing ever connected"
    let next =
      isAnybodyThere
      ? nil
      : "set the variables below in the app's environment and restart the app; if it runs elsewhere or in a container, "
        + "localhost is not this machine there"
    return [DoctorFinding(.problem, Arrivals.place, text, next: next)] + troubles
  }

  // MARK: What was turned away

  private var refusals: [DoctorFinding] {
    var findings: [DoctorFinding] = []
    for (labels, value) in samples.sums("otlpd_malformed_requests", by: ["transport", "signal"]) {
      findings.append(
        warning(
          "\(count(value, "request")) of \(labels[1]) over \(labels[0]) refused as malformed: the body is not OTLP",
          next:
            "the reply tells the client where; is it Zipkin, Jaeger or Prometheus data, or a proxy that changes bodies?"
        ))
    }
    for (labels, value) in samples.sums("otlpd_unauthenticated_requests", by: ["receiver", "reason"]) {
      let next =
        labels[1] == "missing"
        ? "set OTEL_EXPORTER_OTLP_HEADERS in the app's environment, as below"
        : "compare the app's OTEL_EXPORTER_OTLP_HEADERS with the receiver's tokens or passwords"
      findings.append(
        warning("\(count(value, "request")) to \(labels[0]) unauthenticated: credentials are \(labels[1])", next: next))
    }
    for (labels, value) in samples.sums("otlpd_rejected_items", by: ["signal"]) {
      findings.append(
        warning(
          "\(count(value, "item")) of \(labels[0]) dropped at the door, with an id of the wrong length for example",
          next: "the reply's partial_success names the first of them"))
    }
    for (labels, value) in samples.sums("otlpd_journal_refused_groups", by: ["reason"]) {
      findings.append(
        warning(
          "\(count(value, "request")) refused by the journal: \(journalReason(labels[0]))", next: journalStep(labels[0])
        ))
    }
    let memory = samples.sum("otlpd_memory_refused_requests")
    if memory > 0 {
      findings.append(
        warning(
          "\(count(memory, "request")) refused because too many were in flight",
          next: "raise extensions: limits: memory_in_flight, or send smaller batches"))
    }
    return findings
  }

  private func journalReason(_ reason: String) -> String {
    switch reason {
    case "full": "it is full, since a sink does not keep up"
    case "queue_full": "a sink's sending_queue is full"
    case "no_space": "the disk is full"
    case "too_large": "the request is larger than the whole journal"
    case "failed": "its disk failed"
    default: reason
    }
  }

  private func journalStep(_ reason: String) -> String {
    switch reason {
    case "no_space": "free space on the data directory's disk"
    case "too_large": "raise extensions: journal: max_bytes, or send smaller batches"
    case "failed": "look after the disk, then start otlpd again"
    default: "mend the sink's destination, or let it lose the oldest with when_full: drop_oldest"
    }
  }

  /// Clients that knocked at the wrong door.
  private var doors: [DoctorFinding] {
    var findings: [DoctorFinding] = []
    for (labels, value) in samples.sums("otlpd_misdirected_requests", by: ["kind"]) {
      let advice = MisdirectedRequests.Kind(rawValue: labels[0])?.advice ?? labels[0]
      let parts = advice.split(separator: ";", maxSplits: 1)
      findings.append(
        warning(
          "\(count(value, "request")) misdirected (\(labels[0])): \(parts[0])",
          next: parts.count > 1 ? String(parts[1].drop { $0 == " " }) : nil))
    }
    for (labels, value) in samples.sums("otlpd_tls_handshake_failures", by: ["reason"]) {
      findings.append(
        warning(
          "\(count(value, "client")) could not be served over TLS: \(labels[0])",
          next: "set OTEL_EXPORTER_OTLP_CERTIFICATE to the authority's file, as below"))
    }
    for (labels, value) in samples.sums("otlpd_connections_refused", by: ["reason"]) {
      findings.append(
        warning(
          "\(count(value, "connection")) not taken: \(labels[0])", next: "raise extensions: limits: max_connections"))
    }
    return findings
  }

  /// What was accepted and does not go on.
  private var delivery: [DoctorFinding] {
    let dropped = samples.sums("otlpd_dropped_items", by: ["exporter", "signal", "reason"])
    return dropped.map { labels, value in
      DoctorFinding(
        .warning, "sink \(labels[0])", "\(count(value, "item")) of \(labels[1]) dropped: \(labels[2])",
        next: "docs/metrics.md says what each reason asks for")
    }
  }

  private func warning(_ text: String, next: String?) -> DoctorFinding {
    DoctorFinding(.warning, Arrivals.place, text, next: next)
  }

  private func count(_ value: Double, _ noun: String) -> String { Quantity.count(Int64(value), noun) }
}
