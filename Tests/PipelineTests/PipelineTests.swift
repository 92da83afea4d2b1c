// Tests what a receiver is told, and where its requests go.

import Bytes
import Journal
import OTLP
import Pipeline
import SelfTelemetry
import System
import Testing

/// Marks what passes through it, or drops it.
private final class Marker: Processor {
  let id: String
  let passes = Counter()
  private let isDropping: Bool

  init(_ id: String, isDropping: Bool = false) {
    self.id = id
    self.isDropping = isDropping
  }

  func process(_ incoming: ExportRequest) -> ExportRequest? {
    passes.add()
    return isDropping ? nil : request(incoming.payload.text + "+" + id, incoming.signal, items: incoming.itemCount)
  }
}

@Suite struct PipelineTests {
  private let metrics = MetricRegistry()
  private let journal: Journal
  private let outcomes = Outcomes()

  init() {
    journal = Journal(
      settings: JournalSettings(memoryBytesMax: 4000), clock: ManualClock(), metrics: metrics)
  }

  private func pipeline(_ pipelines: PipelineSettings..., transports: [Transport] = [.http]) -> Pipeline {
    Pipeline(
      pipelines: pipelines, transports: transports, journal: journal, metrics: metrics, logger: quiet,
      clock: ManualClock())
  }

  private func cursor(_ sink: String, _ signal: Signal = .traces) -> Cursor {
    journal.openCursor(sink: sink, signal: signal.rawValue, whenFull: .refuse)
  }

  private func names(_ cursor: Cursor) -> [String] {
    let batch = cursor.nextBatch(limits: Cursor.Limits(itemsMax: .max, bytesMax: .max))
    return batch?.entries.map(\.payload.text) ?? []
  }

  @Test("A request reaches every sink of its receiver's pipelines for its signal, and no other")
  func routes() {
    let (a, b, c) = (cursor("a"), cursor("b"), cursor("c"))
    let logs = cursor("a", .logs)
    let pipeline = pipeline(
      PipelineSettings(signal: .traces, receivers: ["otlp"], sinks: ["a"]),
      PipelineSettings(signal: .traces, receivers: ["otlp", "otlp/2"], sinks: ["b", "a"]),
      PipelineSettings(signal: .traces, receivers: ["otlp/2"], sinks: ["c"]),
      PipelineSettings(signal: .logs, receivers: ["otlp"], sinks: ["a"]))
    pipeline.accept(request("one"), from: "otlp") { outcomes.add($0) }
    pipeline.accept(request("two"), from: "otlp/2") { outcomes.add($0) }
    pipeline.accept(request("three", .logs), from: "otlp") { outcomes.add($0) }
    #expect(outcomes.all == [.accepted, .accepted, .accepted])
    #expect(names(a) == ["one", "two"])
    #expect(names(b) == ["one", "two"])
    #expect(names(c) == ["two"])
    #expect(names(logs) == ["three"])
  }

  @Test("A signal without a pipeline, and a receiver that is unknown, are refused as such")
  func noPipeline() {
    let pipeline = pipeline(PipelineSettings(signal: .traces, receivers: ["otlp"], sinks: ["a"]))
    pipeline.accept(request("one", .metrics, items: 3), from: "otlp") { outcomes.add($0) }
    pipeline.accept(request("two"), from: "other") { outcomes.add($0) }
    #expect(outcomes.all == [.refused(.noPipeline), .refused(.noPipeline)])
    #expect(
      metrics.value("otelcol_receiver_refused_metric_points{receiver=\"otlp\",transport=\"http\"}") == 3)
    #expect(pipeline.takes(.traces, from: "otlp"))
    #expect(!pipeline.takes(.metrics, from: "otlp"))
  }

  @Test("A full journal, a request larger than it, and a closed one are told apart and counted")
  func refusals() {
    let cursor = cursor("a")
    let pipeline = pipeline(PipelineSettings(signal: .traces, receivers: ["otlp"], sinks: ["a"]))
    let half = String(repeating: "x", count: 1800)
    pipeline.accept(request(half, items: 10), from: "otlp") { outcomes.add($0) }
    pipeline.accept(request(half, items: 20), from: "otlp") { outcomes.add($0) }
    pipeline.accept(request(half + half + half, items: 40), from: "otlp") { outcomes.add($0) }
    journal.close()
    pipeline.accept(request("late", items: 80), from: "otlp") { outcomes.add($0) }
    #expect(
      outcomes.all == [.accepted, .refused(.journalFull), .refused(.tooLarge), .refused(.shuttingDown)])
    #expect(metrics.value("otelcol_receiver_accepted_spans{receiver=\"otlp\",transport=\"http\"}") == 10)
    #expect(metrics.value("otelcol_receiver_refused_spans{receiver=\"otlp\",transport=\"http\"}") == 140)
    #expect(cursor.status.pending.items == 10)
  }

  @Test("Transports are counted apart")
  func transports() {
    _ = cursor("a")
    let pipeline = pipeline(
      PipelineSettings(signal: .logs, receivers: ["otlp"], sinks: ["a"]), transports: [.http, .grpc])
    pipeline.accept(request("one", .logs, items: 2), from: "otlp", transport: .grpc) { outcomes.add($0) }
    #expect(metrics.value("otelcol_receiver_accepted_log_records{receiver=\"otlp\",transport=\"grpc\"}") == 2)
    #expect(metrics.value("otelcol_receiver_accepted_log_records{receiver=\"otlp\",transport=\"http\"}") == 0)
  }

  @Test("A request is processed once per distinct chain, in order, for all pipelines that share it")
  func chains() {
    let (a, b, c) = (cursor("a"), cursor("b"), cursor("c"))
    let (one, two, twin) = (Marker("one"), Marker("two"), Marker("one"))
    let pipeline = pipeline(
      PipelineSettings(signal: .traces, receivers: ["otlp"], processors: [one, two], sinks: ["a"]),
      PipelineSettings(signal: .traces, receivers: ["otlp"], processors: [twin, two], sinks: ["b"]),
      PipelineSettings(signal: .traces, receivers: ["otlp"], sinks: ["c"]))
    pipeline.accept(request("r"), from: "otlp") { outcomes.add($0) }
    #expect(names(a) == ["r+one+two"])
    #expect(names(b) == ["r+one+two"])
    #expect(names(c) == ["r"])
    #expect(one.passes.value == 1)
    #expect(twin.passes.value == 0)
    #expect(journal.usage.records == 2)
  }

  @Test("What the processors drop whole is accepted and not kept")
  func dropped() {
    let cursor = cursor("a")
    let pipeline = pipeline(
      PipelineSettings(
        signal: .traces, receivers: ["otlp"], processors: [Marker("drop", isDropping: true)], sinks: ["a"]))
    pipeline.accept(request("r"), from: "otlp") { outcomes.add($0) }
    #expect(outcomes.all == [.accepted])
    #expect(names(cursor) == [])
  }

  @Test("A request without items is accepted and not kept")
  func empty() {
    let cursor = cursor("a")
    let pipeline = pipeline(PipelineSettings(signal: .traces, receivers: ["otlp"], sinks: ["a"]))
    pipeline.accept(request("", items: 0), from: "otlp") { outcomes.add($0) }
    #expect(outcomes.all == [.accepted])
    #expect(cursor.status.pending == Amount())
  }
}
