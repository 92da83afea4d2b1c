// Why nothing arrives: each counter has its sentence and its next step.

import Commands
import Testing

@Suite("What the doctor reads in the counters")
struct ArrivalsTests {
  private func findings(_ page: String) -> [DoctorFinding] { Arrivals(PrometheusSamples(page)).findings }

  @Test("Nothing ever connected")
  func silence() throws {
    let all = findings("# HELP x y\notelcol_process_uptime{a=\"b\"} 180\n")
    let finding = try #require(all.first)
    #expect(all.count == 1 && finding.level == .problem && finding.text.contains("nothing ever connected"))
    #expect(finding.text.contains("3.0 min") && finding.next != nil)
  }

  @Test("Telemetry that arrives is all that is said when nothing else happened")
  func arriving() {
    let all = findings(
      """
      otelcol_receiver_accepted_spans{receiver="otlp",transport="http"} 40
      otelcol_receiver_accepted_log_records_total{receiver="otlp",transport="grpc"} 2
      otlpd_dropped_items{exporter="sqlite",signal="traces",reason="invalid"} 0
      """)
    #expect(all == [DoctorFinding(.ok, "telemetry", "42 items accepted since the start")])
  }

  @Test(
    "Each way to be turned away has its sentence",
    arguments: [
      (#"otlpd_malformed_requests{receiver="otlp",transport="http",signal="traces"}"#, "the body is not OTLP"),
      (
        #"otlpd_unauthenticated_requests{receiver="otlp",transport="http",reason="missing"}"#, "credentials are missing"
      ),
      (#"otlpd_unauthenticated_requests{receiver="otlp",transport="http",reason="wrong"}"#, "credentials are wrong"),
      (#"otlpd_malformed_requests_total{receiver="otlp",transport="http",signal="traces"}"#, "the body is not OTLP"),
      (#"otlpd_rejected_items{receiver="otlp",transport="http",signal="traces"}"#, "dropped at the door"),
      (#"otlpd_journal_refused_groups{reason="full"}"#, "a sink does not keep up"),
      (#"otlpd_journal_refused_groups{reason="no_space"}"#, "the disk is full"),
      ("otlpd_memory_refused_requests", "too many were in flight"),
      (#"otlpd_misdirected_requests{kind="http2_on_http"}"#, "speaks HTTP/2 (gRPC?) to the OTLP/HTTP port"),
      (#"otlpd_tls_handshake_failures{reason="refused"}"#, "could not be served over TLS"),
      (#"otlpd_connections_refused{reason="limit"}"#, "not taken: limit"),
      (#"otlpd_dropped_items{exporter="otlp_http",signal="logs",reason="a \"b\" \\ c"}"#, #"dropped: a "b" \ c"#),
    ])
  func turnedAway(_ series: String, _ sentence: String) throws {
    let found = try #require(findings("\(series) 3\n").last)
    #expect(found.level == .warning && found.text.hasPrefix("3 ") && found.text.contains(sentence))
    #expect(found.next != nil)
    #expect(findings("\(series) 0\n").count == 1)
  }

  @Test("When clients come and nothing is taken, the first line sends the reader on")
  func refused() {
    let all = findings(#"otlpd_misdirected_requests{kind="root_path"} 1"# + "\n")
    #expect(all[0].level == .problem && all[0].text.contains("though clients connect") && all[0].next == nil)
    #expect(all[1].text.hasPrefix("1 request misdirected (root_path)"))
  }

  @Test("A report counts what is bad, and shows the environment only then")
  func report() {
    let style = TextStyle(isColoured: false)
    let good = DoctorReport.text([DoctorFinding(.ok, "a", "b")], exports: "  export X=1\n", style)
    #expect(good == "ok       a: b\n\nAll is well.\n")
    let bad = DoctorReport.text([DoctorFinding(.warning, "a", "b\u{1b}", next: "c")], exports: "  export X=1\n", style)
    #expect(
      bad == """
        warning  a: b\\u001b. Next: c

        What an app on this machine needs in its environment:
          export X=1

        1 thing to mend.

        """)
  }
}
