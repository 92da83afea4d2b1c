// Rates, values and quantiles of metrics over time.

import OTLP
import System
import TelemetryStore
import Testing

@Suite struct MetricQueryTests {
  private let fixture = Fixture()
  private let second: UInt64 = 1_000_000_000

  private func write(_ metrics: [String]) throws -> StoreReader {
    let store = try fixture.openStore()
    for (sequence, metric) in metrics.enumerated() {
      let request = try ExportRequest(
        .metrics,
        json: #"""
          {"resourceMetrics":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"shop"}}]},
            "scopeMetrics":[{"metrics":[\#(metric)]}]}]}
          """#)
      try store.write(signal: .metrics, requests: [request], journal: 1, lastSequence: UInt64(sequence + 1))
      // Half of the points lie in another day's file.
      if sequence == metrics.count / 2 { fixture.clock.advance(by: .seconds(86_400)) }
    }
    store.close()
    return StoreReader(directory: fixture.temporary.path)
  }

  private func window(_ seconds: UInt64) throws -> TimeWindow {
    try #require(TimeWindow(from: Int64(noon), to: Int64(noon + seconds * second)))
  }

  private func counter(start: UInt64, at time: UInt64, _ value: Int, route: String = "/a") -> String {
    #"""
    {"name":"requests","unit":"1","sum":{"aggregationTemporality":2,"isMonotonic":true,"dataPoints":[
      {"startTimeUnixNano":"\#(start)","timeUnixNano":"\#(time)","asInt":"\#(value)",
       "attributes":[{"key":"route","value":{"stringValue":"\#(route)"}}]}]}}
    """#
  }

  @Test("Writers of one series are told apart by their start and added up; a restart loses nothing")
  func sumsWriters() throws {
    var metrics: [String] = []
    // Two workers from before the window, 10 and 20 a second, a third that begins in it with 5 a second.
    for step in 0...10 {
      let time = noon + UInt64(step) * 60 * second
      metrics.append(counter(start: noon - 900 * second, at: time, 1000 + step * 600))
      metrics.append(counter(start: noon - 800 * second, at: time, 70 + step * 1200))
      if step > 5 { metrics.append(counter(start: noon + 300 * second, at: time, (step - 5) * 300)) }
    }
    let reader = try write(metrics)
    let chart = try reader.metric(window(600), MetricFilter(name: "requests")).value
    let line = try #require(chart.lines.first)
    #expect(chart.lines.count == 1 && line.service == "shop" && line.attributes == #"{"route":"/a"}"#)
    #expect(line.points.count <= 240)
    for point in line.points where point.time < Int64(noon + 540 * second) {
      let expected = point.time < Int64(noon + 300 * second) ? 30.0 : 35.0
      #expect(abs((point.rate ?? 0) - expected) < 1e-6, "\(point.time)")
    }
  }

  @Test("A counter that falls began anew; other attributes are another line unless they are put together")
  func resetsAndGroups() throws {
    let reader = try write([
      counter(start: 1, at: noon, 100), counter(start: 1, at: noon + 60 * second, 160),
      counter(start: 1, at: noon + 120 * second, 60), counter(start: 1, at: noon, 0, route: "/b"),
      counter(start: 1, at: noon + 120 * second, 1200, route: "/b"),
    ])
    let total = { (line: MetricLine, step: Int64) in
      line.points.reduce(0) { $0 + ($1.rate ?? 0) } * Double(step) / 1e9
    }
    let chart = try reader.metric(window(240), MetricFilter(name: "requests")).value
    #expect(chart.lines.map(\.attributes) == [#"{"route":"/a"}"#, #"{"route":"/b"}"#])
    #expect(chart.lines.map { total($0, chart.step).rounded() } == [120, 1200])
    var filter = MetricFilter(name: "requests")
    filter.grouping = .all
    let all = try reader.metric(window(240), filter).value
    #expect(all.lines.map { total($0, all.step).rounded() } == [1320])
    filter.grouping = .attribute("route")
    filter.attributes = [("route", "/b")]
    let one = try reader.metric(window(240), filter).value
    #expect(one.lines.map(\.attributes) == [#"{"route":"/b"}"#])
  }

  @Test("Gauges show their mean, and sums that may fall the sum of their writers")
  func values() throws {
    let point = { (start: Int, value: Int) in
      #"{"startTimeUnixNano":"\#(start)","timeUnixNano":"\#(noon + 1)","asInt":"\#(value)"}"#
    }
    let reader = try write([
      #"{"name":"memory","unit":"By","gauge":{"dataPoints":[\#(point(1, 10)),\#(point(2, 30))]}}"#,
      #"{"name":"active","sum":{"aggregationTemporality":2,"dataPoints":[\#(point(1, 10)),\#(point(2, 30))]}}"#,
    ])
    #expect(try reader.metric(window(60), MetricFilter(name: "memory")).value.lines.first?.points.first?.value == 20)
    #expect(try reader.metric(window(60), MetricFilter(name: "active")).value.lines.first?.points.first?.value == 40)
    #expect(try reader.metrics(window(60)).value.map(\.name) == ["active", "memory"])
    #expect(try reader.metrics(window(60), service: "other").value.isEmpty)
  }

  @Test("Quantiles of histograms: buckets of several writers are added, explicit and exponential ones")
  func quantiles() throws {
    let explicit = { (start: UInt64, time: UInt64, counts: [Int]) in
      let list = counts.map { "\"\($0)\"" }.joined(separator: ",")
      let count = counts.reduce(0, +)
      return #"""
        {"name":"duration","unit":"s","histogram":{"aggregationTemporality":2,"dataPoints":[
          {"startTimeUnixNano":"\#(start)","timeUnixNano":"\#(time)","count":"\#(count)","sum":\#(count * 2),
           "bucketCounts":[\#(list)],"explicitBounds":[1,2,4]}]}}
        """#
    }
    let exponential = { (scale: Int, offset: Int, counts: String) in
      #"""
      {"name":"exponential","exponentialHistogram":{"aggregationTemporality":1,"dataPoints":[
        {"startTimeUnixNano":"\#(noon)","timeUnixNano":"\#(noon + 10 * self.second)","count":"8","scale":\#(scale),
         "zeroCount":"0","positive":{"offset":\#(offset),"bucketCounts":[\#(counts)]}}]}}
      """#
    }
    let reader = try write([
      explicit(1, noon, [5, 5, 5, 5]), explicit(1, noon + 60 * second, [15, 5, 5, 5]),
      explicit(noon, noon + 60 * second, [0, 10, 0, 0]), exponential(1, 4, #""4","4""#), exponential(0, 2, #""8""#),
    ])
    var filter = MetricFilter(name: "duration")
    filter.grouping = .all
    let points = try reader.metric(window(61), filter).value.lines.first?.points ?? []
    let middle = try #require(points.dropFirst().first)
    #expect(abs((middle.rate ?? 0) - 20.0 / 60) < 1e-9)
    #expect(abs((middle.mean ?? 0) - 2) < 1e-9)
    #expect(abs((middle.buckets?.quantile(0.25) ?? 0) - 0.5) < 1e-9)
    #expect(abs((middle.buckets?.quantile(0.75) ?? 0) - 1.5) < 1e-9)
    // Scale 1, buckets 4 and 5 are bucket 2 of scale 0: values from 4 to 8.
    let merged = try reader.metric(window(60), MetricFilter(name: "exponential")).value.lines.first?.points.first
    #expect(abs((merged?.buckets?.quantile(0.5) ?? 0) - 16.0 / 3) < 1e-9)
    let count = try reader.metric(window(60), MetricFilter(name: "exponential")).value.lines.first?.points
    #expect(abs((count ?? []).reduce(0) { $0 + ($1.buckets?.count ?? 0) } - 16) < 1e-9)
  }
}
