// What is counted of a sink has bounds, whatever the other side answers.

import OTLP
import Pipeline
import SelfTelemetry
import System
import Testing

@Suite struct SinkTelemetryTests {
  @Test("Reasons that come from the other side take so many series and no more, and no item gets lost in them")
  func reasons() throws {
    let daemon = Daemon()
    let sink = ScriptedSink { _, attempt in .failure(.permanent(reason: "rejected_\(attempt)")) }
    daemon.add(sink, "s", DeliverySettings(batch: BatchSettings(itemsMax: 1)), signals: [.traces])
    try daemon.start()
    for number in 0..<100 { daemon.accept(request("r\(number)")) }
    #expect(sink.wait { $0.attempts == 100 })
    daemon.stop()
    #expect(daemon.dropped("s") == 100)
    let series = daemon.metrics.values(of: "otlpd_dropped_items")
    #expect(series.count < 40)
    let other = series.first { $0.labels.last == Label("reason", "other") }
    #expect((other?.value ?? 0) >= 60)
  }

  @Test("Attempts are measured once somebody looks, with the reasons of those that failed")
  func attempts() throws {
    let daemon = Daemon()
    let sink = ScriptedSink { _, attempt in attempt < 3 ? .failure(.permanent(reason: "no \(attempt)")) : .success(nil)
    }
    daemon.add(sink, "s", DeliverySettings(batch: BatchSettings(itemsMax: 1)), signals: [.traces])
    try daemon.start()
    daemon.accept(request("unseen"))
    #expect(sink.wait { $0.attempts == 1 })
    daemon.metrics.activity.watch()
    daemon.accept(request("failed"))
    daemon.accept(request("delivered"))
    #expect(sink.wait { $0.attempts == 3 })
    daemon.stop()
    let operation = try #require(daemon.metrics.activity.operations.first { $0.name == "exporter/s traces" })
    #expect(operation.latency.cumulativeCounts.last == 2 && operation.runningCount == 0)
    #expect(operation.failureCount == 1 && operation.failures.map(\.reason) == ["no 2"])
  }
}
