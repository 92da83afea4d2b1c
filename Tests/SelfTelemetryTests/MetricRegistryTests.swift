// Tests what a scrape of the metrics shows.

import SelfTelemetry
import Testing

@Suite struct MetricRegistryTests {
  private let registry = MetricRegistry()

  @Test("A family is shown once, with its help, its type and all series")
  func family() {
    registry.counter("otlpd_b", help: "Counts.", labels: [Label("signal", "traces")]).add(3)
    registry.counter("otlpd_b", help: "Not the first help.", labels: [Label("signal", "logs"), Label("x", "1")]).add()
    registry.gauge("otlpd_a", help: "Level in bytes.").set(-7)
    #expect(
      registry.render() == """
        # HELP otlpd_a Level in bytes.
        # TYPE otlpd_a gauge
        otlpd_a -7
        # HELP otlpd_b Counts.
        # TYPE otlpd_b counter
        otlpd_b{signal="traces"} 3
        otlpd_b{signal="logs",x="1"} 1

        """)
  }

  @Test("Nothing registered is an empty page")
  func empty() {
    #expect(registry.render() == "")
  }

  @Test("The same name and labels give the same counter")
  func same() {
    registry.counter("otlpd_a", help: "h", labels: [Label("a", "1")]).add(2)
    registry.counter("otlpd_a", help: "h", labels: [Label("a", "1")]).add(3)
    registry.counter("otlpd_a", help: "h", labels: [Label("a", "2")]).add(7)
    #expect(registry.counter("otlpd_a", help: "h", labels: [Label("a", "1")]).value == 5)
    let gauge = registry.gauge("otlpd_g", help: "h")
    registry.gauge("otlpd_g", help: "h").add(4)
    gauge.add(-1)
    #expect(gauge.value == 3)
  }

  @Test("A histogram shows how many observations were up to each bound, their sum and their count")
  func histogram() {
    let histogram = registry.histogram("a_seconds", help: "h", labels: [Label("x", "1")], bounds: [0.001, 0.5, 2])
    for seconds in [0.0005, 0.001, 0.25, 0.5, 1, 8] { histogram.observe(seconds: seconds) }
    let same = registry.histogram("a_seconds", help: "h", labels: [Label("x", "1")], bounds: [])
    same.observe(seconds: 0.125)
    #expect(
      registry.render() == """
        # HELP a_seconds h
        # TYPE a_seconds histogram
        a_seconds_bucket{x="1",le="0.001"} 2
        a_seconds_bucket{x="1",le="0.5"} 5
        a_seconds_bucket{x="1",le="2"} 6
        a_seconds_bucket{x="1",le="+Inf"} 7
        a_seconds_sum{x="1"} 9.8765
        a_seconds_count{x="1"} 7

        """)
  }

  @Test("A bound is written as a number, however small")
  func smallBounds() {
    _ = registry.histogram("a", help: "h", bounds: Histogram.diskBounds)
    #expect(registry.render().contains("\na_bucket{le=\"0.0001\"} 0\na_bucket{le=\"0.00025\"} 0\n"))
  }

  @Test("A label value keeps its meaning through the escapes")
  func labelEscapes() {
    registry.counter("a", help: "h", labels: [Label("exporter", "say \"hi\"\\\nthere é")]).add()
    #expect(registry.render().contains(#"a{exporter="say \"hi\"\\\nthere é"} 1"#))
  }

  @Test("A help text stays on one line, and its quotes stay plain")
  func helpEscapes() {
    _ = registry.counter("a", help: "one \\ two\nthree \"four\"")
    #expect(registry.render().hasPrefix("# HELP a one \\\\ two\\nthree \"four\"\n# TYPE a counter\n"))
  }

  @Test(
    "Numbers are written as a person would",
    arguments: [
      (0.0, "0"), (1.0, "1"), (-3.0, "-3"), (0.25, "0.25"), (1e15, "1000000000000000"), (1e17, "1e+17"),
      (.infinity, "+Inf"), (-.infinity, "-Inf"), (.nan, "NaN"),
    ])
  func numbers(value: Double, text: String) {
    registry.reading("a", help: "h") { value }
    #expect(registry.render().hasSuffix("\na \(text)\n"))
  }

  @Test("A reading is taken at each scrape, and the last one registered counts")
  func readings() {
    let counter = Counter()
    registry.reading("a", kind: .counter, help: "h") { -1 }
    registry.reading("a", kind: .counter, help: "h") { Double(counter.value) }
    #expect(registry.render().hasSuffix("\na 0\n"))
    counter.add(5)
    #expect(registry.render() == "# HELP a h\n# TYPE a counter\na 5\n")
  }

  @Test("A reading may use the registry while it is rendered")
  func reentrant() {
    registry.reading("a", help: "h") { [registry] in Double(registry.counter("b", help: "h").value) }
    #expect(registry.render().contains("\na 0\n"))
  }

  @Test("A reader that wants units and suffixes in the names gets them, and no name twice")
  func naming() {
    registry.registerProcess(uptime: { 1.5 }, cpuSeconds: { 0.25 }, residentBytes: { 4096 })
    _ = registry.counter("otlpd_things", help: "h")
    func names(_ naming: MetricNaming) -> [String] {
      let lines = registry.render(naming).split(separator: "\n").filter { !$0.hasPrefix("#") }
      return lines.map { String($0.prefix { $0 != " " }) }
    }
    #expect(
      names(MetricNaming(hasUnits: true)) == [
        "otelcol_process_cpu_seconds", "otelcol_process_memory_rss_bytes", "otelcol_process_uptime_seconds",
        "otlpd_things",
      ])
    #expect(
      names(MetricNaming(hasUnits: true, hasTypeSuffix: true)) == [
        "otelcol_process_cpu_seconds_total", "otelcol_process_memory_rss_bytes", "otelcol_process_uptime_seconds_total",
        "otlpd_things_total",
      ])
  }

  @Test("The attributes of the target become labels that Prometheus can read")
  func target() {
    registry.describeTarget(["service.name": "a\"b\nc", "9lives": "x", "größe": "y", "service_name": "z"])
    #expect(
      registry.render().hasSuffix(
        "target_info{_9lives=\"x\",gr__e=\"y\",service_name=\"a\\\"b\\nc\"} 1\n"))
    let value = registry.values(of: "target_info")
    #expect(value.count == 1 && value[0].value == 1 && value[0].labels.count == 3)
  }

  @Test("The process metrics have the Collector's names")
  func process() {
    registry.registerProcess(uptime: { 1.5 }, cpuSeconds: { 0.25 }, residentBytes: { 4096 })
    registry.describeTarget(["service.name": "else"])
    registry.describeTarget(["service.name": "otlpd", "service.version": "1.2.3", "service.instance.id": "abc"])
    #expect(
      registry.render() == """
        # HELP otelcol_process_cpu_seconds CPU seconds used, user and system together.
        # TYPE otelcol_process_cpu_seconds counter
        otelcol_process_cpu_seconds 0.25
        # HELP otelcol_process_memory_rss Bytes of physical memory in use.
        # TYPE otelcol_process_memory_rss gauge
        otelcol_process_memory_rss 4096
        # HELP otelcol_process_uptime Seconds since the process started.
        # TYPE otelcol_process_uptime counter
        otelcol_process_uptime 1.5
        # HELP target_info Who the process is; the value is always 1.
        # TYPE target_info gauge
        target_info{service_instance_id="abc",service_name="otlpd",service_version="1.2.3"} 1

        """)
  }
}
