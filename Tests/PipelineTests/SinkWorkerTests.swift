// Tests the sink's thread: delivery, failures, stopping, and that every item is accounted for.

import Journal
import OTLP
import Pipeline
import SelfTelemetry
import System
import Testing

@Suite struct SinkWorkerTests {
  @Test("What is accepted is delivered once, in order, to every sink, and counted")
  func delivers() throws {
    let daemon = Daemon()
    let sinks = [ScriptedSink(), ScriptedSink()]
    for (number, sink) in sinks.enumerated() { daemon.add(sink, "s\(number)") }
    try daemon.start()
    let names = (0..<200).map { "r\($0)" }
    for name in names { #expect(daemon.accept(request(name, items: 2)) == .accepted) }
    daemon.stop()
    for (number, sink) in sinks.enumerated() {
      #expect(sink.deliveredNames == names)
      #expect(sink.state.starts == 1)
      #expect(sink.state.stops == 1)
      #expect(daemon.value("otelcol_exporter_sent_spans{exporter=\"s\(number)\"}") == 400)
      #expect(daemon.dropped("s\(number)") == 0)
    }
    #expect(daemon.value("otlpd_journal_records") == 0)
  }

  @Test("A sink that is busy gets what came meanwhile in one batch")
  func naturalBatches() throws {
    let daemon = Daemon()
    let gate = Gate()
    let sink = ScriptedSink { _, attempt in
      if attempt == 1 { gate.pass() }
      return .success(nil)
    }
    daemon.add(sink, "s", DeliverySettings(batch: BatchSettings(itemsMax: 100)))
    try daemon.start()
    daemon.accept(request("first"))
    #expect(sink.wait { $0.attempts == 1 })
    for number in 0..<150 { daemon.accept(request("r\(number)")) }
    gate.open()
    daemon.stop()
    #expect(sink.state.delivered.map(\.itemCount) == [1, 100, 50])
  }

  @Test("A failing signal does not hold the sink's others back, nor the other sinks")
  func failingSignal() throws {
    let daemon = Daemon()
    let half = ScriptedSink { batch, _ in batch.signal == .traces ? .failure(busy) : .success(nil) }
    let whole = ScriptedSink()
    daemon.add(half, "half")
    daemon.add(whole, "whole")
    try daemon.start()
    for number in 0..<50 {
      daemon.accept(request("t\(number)", .traces))
      daemon.accept(request("l\(number)", .logs))
    }
    #expect(half.wait { $0.delivered.reduce(0) { $0 + $1.itemCount } == 50 })
    #expect(whole.wait { $0.delivered.reduce(0) { $0 + $1.itemCount } == 100 })
    #expect(half.deliveredNames == (0..<50).map { "l\($0)" })
    daemon.stop(deadline: .milliseconds(1))
    #expect(daemon.value("otlpd_dropped_items{exporter=\"half\",signal=\"traces\",reason=\"shutdown\"}") == 50)
    #expect(daemon.dropped("whole") == 0)
  }

  @Test("A batch is tried until it succeeds, and delivered once")
  func retries() throws {
    let daemon = Daemon()
    let sink = ScriptedSink { _, attempt in attempt < 5 ? .failure(busy) : .success(nil) }
    daemon.add(sink, "s", DeliverySettings(retry: fast))
    try daemon.start()
    daemon.accept(request("r", .metrics, items: 3))
    #expect(sink.wait { $0.delivered.count == 1 })
    daemon.stop()
    #expect(daemon.value("otlpd_exporter_retries{exporter=\"s\",signal=\"metrics\"}") == 4)
    #expect(daemon.value("otelcol_exporter_sent_metric_points{exporter=\"s\"}") == 3)
    #expect(daemon.value("otelcol_exporter_send_failed_metric_points{exporter=\"s\"}") == 0)
  }

  @Test("What a sink can never deliver is dropped under its reason, and the next goes on")
  func permanent() throws {
    let daemon = Daemon()
    let sink = ScriptedSink { batch, _ in
      batch.names.contains("bad") ? .failure(.permanent(reason: "http_400")) : .success(nil)
    }
    daemon.add(sink, "s", DeliverySettings(batch: BatchSettings(itemsMax: 1)))
    try daemon.start()
    for name in ["a", "bad", "b"] { daemon.accept(request(name)) }
    daemon.stop()
    #expect(sink.deliveredNames == ["a", "b"])
    #expect(daemon.value("otlpd_dropped_items{exporter=\"s\",signal=\"traces\",reason=\"http_400\"}") == 1)
    #expect(daemon.value("otelcol_exporter_send_failed_spans{exporter=\"s\"}") == 1)
  }

  @Test("What the peer took a batch without is counted as dropped and not sent again", arguments: [0, 2, 99])
  func partialSuccess(rejected: Int) throws {
    let daemon = Daemon()
    let sink = ScriptedSink { _, _ in
      .success(ExportRequest.Rejection(itemCount: rejected, message: "too old"))
    }
    daemon.add(sink, "s")
    try daemon.start()
    daemon.accept(request("r", items: 10))
    daemon.stop()
    let lost = min(rejected, 10)
    #expect(sink.state.attempts == 1)
    #expect(daemon.value("otelcol_exporter_sent_spans{exporter=\"s\"}") == 10 - lost)
    #expect(daemon.value("otlpd_dropped_items{exporter=\"s\",signal=\"traces\",reason=\"rejected\"}") == lost)
  }

  @Test("A sink that fails for ever and may lose its oldest loses only its own items")
  func dropOldest() throws {
    let daemon = Daemon(journalBytes: 10_000)
    let broken = ScriptedSink { _, _ in .failure(busy) }
    let good = ScriptedSink()
    daemon.add(broken, "broken", DeliverySettings(retry: fast, whenFull: .dropOldest))
    daemon.add(good, "good")
    try daemon.start()
    for number in 0..<500 {
      while daemon.accept(request("r\(number)")) != .accepted { #expect(good.wait { !$0.delivered.isEmpty }) }
    }
    daemon.stop(deadline: .milliseconds(50))
    #expect(good.deliveredNames == (0..<500).map { "r\($0)" })
    #expect(daemon.dropped("good") == 0)
    #expect(daemon.dropped("broken") == 500)
    #expect(
      daemon.value("otlpd_dropped_items{exporter=\"broken\",signal=\"traces\",reason=\"journal_full\"}") > 400)
  }

  @Test("A full journal refuses while its only sink fails, and takes more once the sink recovers")
  func refuses() throws {
    let daemon = Daemon(journalBytes: 5000)
    let isBroken = Lock(true)
    let sink = ScriptedSink { _, _ in isBroken.withLock { $0 } ? .failure(busy) : .success(nil) }
    daemon.add(sink, "s", DeliverySettings(retry: fast))
    try daemon.start()
    var accepted: [String] = []
    while daemon.accept(request("r\(accepted.count)")) == .accepted { accepted.append("r\(accepted.count)") }
    #expect(accepted.count > 5)
    isBroken.withLock { $0 = false }
    #expect(sink.wait { $0.delivered.reduce(0) { $0 + $1.itemCount } == accepted.count })
    daemon.stop()
    #expect(sink.deliveredNames == accepted)
  }

  @Test("Stopping delivers what waits for a fuller batch")
  func flushes() throws {
    let daemon = Daemon()
    let sink = ScriptedSink()
    let minimum = BatchSettings.Minimum(items: 1000, flushTimeout: .seconds(3600))
    daemon.add(sink, "s", DeliverySettings(batch: BatchSettings(minimum: minimum)))
    try daemon.start()
    for number in 0..<10 { daemon.accept(request("r\(number)")) }
    #expect(sink.state.attempts == 0)
    daemon.stop()
    #expect(sink.state.delivered.map(\.itemCount) == [10])
  }

  @Test("Stopping does not wait for a call that hangs, and counts what it holds")
  func hangs() throws {
    let daemon = Daemon()
    let gate = Gate()
    let sink = ScriptedSink { _, _ in
      gate.pass()
      return .success(nil)
    }
    let worker = daemon.add(sink, "s")
    try daemon.start()
    daemon.accept(request("r", items: 7))
    #expect(sink.wait { $0.attempts == 1 })
    #expect(!worker.stop(deadline: .milliseconds(1)))
    #expect(daemon.dropped("s") == 7)
    gate.open()
    #expect(worker.stop(deadline: .seconds(60)))
    #expect(daemon.value("otelcol_exporter_sent_spans{exporter=\"s\"}") == 0, "no item is counted twice")
  }

  @Test("Stopping interrupts a call that hangs, and closes the sink")
  func interrupts() throws {
    final class Hanging: Sink {
      let gate = Gate()
      let stops = Counter()
      func start() {}
      func stop() { stops.add() }
      func interrupt() { gate.open() }
      func export(_ batch: Batch) throws(ExportError) -> ExportRequest.Rejection? {
        gate.pass()
        throw .retryable(after: nil, reason: "interrupted")
      }
    }
    let daemon = Daemon()
    let sink = Hanging()
    let worker = daemon.add(sink, "s")
    try daemon.start()
    daemon.accept(request("r", items: 7))
    #expect(!worker.stop(deadline: .milliseconds(1)))
    #expect(sink.stops.value == 1)
    #expect(daemon.dropped("s") == 7)
  }

  @Test("A sink that does not start stops the start, and leaves no thread")
  func startFails() {
    final class Unstartable: Sink {
      func start() throws { throw SystemError(code: 13, doing: "cannot open the store") }
      func export(_ batch: Batch) throws(ExportError) -> ExportRequest.Rejection? { nil }
      func stop() {}
    }
    let daemon = Daemon()
    let worker = daemon.add(Unstartable(), "s")
    #expect(throws: SystemError.self) { try worker.start() }
    #expect(worker.stop(deadline: .seconds(60)))
  }

  @Test("What a sink has stored itself is not sent to it again")
  func position() throws {
    final class Remembering: Sink {
      let inner = ScriptedSink()
      func start() {}
      func stop() {}
      func export(_ batch: Batch) throws(ExportError) -> ExportRequest.Rejection? { try inner.export(batch) }
      func position(of signal: Signal, in journal: JournalID) -> UInt64? { signal == .traces ? 2 : nil }
    }
    let daemon = Daemon()
    let sink = Remembering()
    daemon.add(sink, "s")
    for name in ["a", "b", "c"] { daemon.accept(request(name)) }
    try daemon.start()
    daemon.stop()
    #expect(sink.inner.deliveredNames == ["c"])
    #expect(daemon.value("otelcol_exporter_sent_spans{exporter=\"s\"}") == 3)
  }

  @Test("Whatever a sink answers, accepted = sent + dropped + pending", arguments: 0..<8)
  func balance(seed: UInt64) throws {
    let daemon = Daemon(journalBytes: 20_000)
    for (id, whenFull) in [("refuse", WhenFull.refuse), ("lossy", .dropOldest), ("debug", .bestEffort)] {
      let random = Lock(SeededRandom(state: seed &+ UInt64(id.utf8.count)))
      let sink = ScriptedSink { batch, _ in
        switch random.withLock({ Int.random(in: 0..<10, using: &$0) }) {
        case 0...2: .failure(busy)
        case 3: .failure(.permanent(reason: "http_400"))
        case 4: .success(ExportRequest.Rejection(itemCount: 1, message: "one too many"))
        default: .success(nil)
        }
      }
      daemon.add(
        sink, id,
        DeliverySettings(batch: BatchSettings(itemsMax: 40), retry: fast, whenFull: whenFull))
    }
    try daemon.start()
    var random = SeededRandom(state: seed)
    var accepted: [Signal: Int] = [:]
    for number in 0..<2000 {
      guard let signal = Signal.allCases.randomElement(using: &random) else { continue }
      let items = Int.random(in: 1...9, using: &random)
      if daemon.accept(request("r\(number)", signal, items: items)) == .accepted {
        accepted[signal, default: 0] += items
      }
    }
    daemon.stop(deadline: .milliseconds(Int64.random(in: 1...20, using: &random)))
    for sink in ["refuse", "lossy", "debug"] {
      var (sent, total) = (0, 0)
      for signal in Signal.allCases {
        let labels = "{exporter=\"\(sink)\",signal=\"\(signal.name)\"}"
        #expect(daemon.value("otlpd_exporter_accepted_items\(labels)") == accepted[signal] ?? 0)
        #expect(daemon.value("otlpd_exporter_pending_items\(labels)") == 0)
        sent += daemon.value("otelcol_exporter_sent_\(signal.itemsName){exporter=\"\(sink)\"}")
        total += accepted[signal] ?? 0
      }
      #expect(sent + daemon.dropped(sink) == total)
    }
  }
}
