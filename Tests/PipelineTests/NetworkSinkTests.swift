// Tests a sink with several threads, whose requests may be cut and merged.

import Journal
import OTLP
import Pipeline
import SelfTelemetry
import System
import Testing

private func settings(items: Int = 8192, bytes: Int = 4 << 20, whenFull: WhenFull = .refuse) -> DeliverySettings {
  DeliverySettings(
    batch: BatchSettings(itemsMax: items, bytesMax: bytes), retry: fast, whenFull: whenFull, consumers: 4,
    mayReshape: true)
}

@Suite struct NetworkSinkTests {
  @Test("So many calls of the sink run at once as it has threads for one signal")
  func parallel() throws {
    let daemon = Daemon()
    let gate = Gate()
    let sink = ScriptedSink { _, _ in
      gate.pass()
      return .success(nil)
    }
    daemon.add(sink, "s", settings(items: 1), signals: [.logs])
    try daemon.start()
    for number in 0..<8 { daemon.accept(try logs(["r\(number)"])) }
    #expect(sink.wait { $0.attempts == 4 })
    #expect(daemon.value("otelcol_exporter_in_flight_requests{exporter=\"s\"}") == 4)
    gate.open()
    daemon.stop()
    #expect(sink.state.delivered.flatMap(\.bodies).sorted() == (0..<8).map { "r\($0)" })
    #expect(sink.state.stops == 1)
  }

  @Test("What one batch may hold is a maximum, for one large request, too")
  func exactLimits() throws {
    let daemon = Daemon()
    let sink = ScriptedSink()
    daemon.add(sink, "s", settings(items: 100, bytes: 1500), signals: [.logs])
    try daemon.start()
    let names = (0..<1000).map { "r\($0)" }
    daemon.accept(try logs(names))
    daemon.stop()
    #expect(sink.state.delivered.flatMap(\.bodies).sorted() == names.sorted())
    #expect(sink.state.delivered.allSatisfy { $0.itemCount <= 100 && $0.byteCount <= 1500 })
    #expect(daemon.value("otelcol_exporter_sent_log_records{exporter=\"s\"}") == 1000)
  }

  @Test("Small requests of one resource and scope go out as one")
  func merges() throws {
    let daemon = Daemon()
    let gate = Gate()
    let sink = ScriptedSink { _, attempt in
      if attempt == 1 { gate.pass() }
      return .success(nil)
    }
    daemon.add(sink, "s", settings(), signals: [.logs])
    try daemon.start()
    daemon.accept(try logs(["first"]))
    #expect(sink.wait { $0.attempts == 1 })
    for number in 0..<50 { daemon.accept(try logs(["r\(number)"])) }
    gate.open()
    daemon.stop()
    let rest = sink.state.delivered.filter { $0.bodies != ["first"] }
    #expect(rest.flatMap(\.bodies).count == 50)
    #expect(rest.allSatisfy { $0.requests.count == 1 })
  }

  @Test("A paused signal shows in the metrics and in the troubles, and keeps what it has")
  func paused() throws {
    let daemon = Daemon()
    let sink = ScriptedSink { batch, _ in batch.signal == .logs ? .failure(.blocked(reason: "401")) : .success(nil) }
    let worker = daemon.add(sink, "s", settings())
    try daemon.start()
    daemon.accept(try logs(["a"]))
    daemon.accept(request("t", items: 3))
    #expect(sink.wait { $0.attempts == 2 })
    daemon.stop(deadline: .zero)
    let labels = "{exporter=\"s\",signal=\"logs\"}"
    #expect(daemon.value("otlpd_exporter_paused\(labels)") == 1)
    #expect(daemon.value("otlpd_exporter_paused{exporter=\"s\",signal=\"traces\"}") == 0)
    #expect(worker.troubles.map(\.description) == ["s logs: paused: 401"])
    #expect(daemon.value("otelcol_exporter_sent_spans{exporter=\"s\"}") == 3)
    #expect(daemon.value("otlpd_dropped_items{exporter=\"s\",signal=\"logs\",reason=\"shutdown\"}") == 1)
  }

  @Test("Whatever the peer answers, nothing is lost uncounted, and accepted = sent + dropped", arguments: 0..<8)
  func balance(seed: UInt64) throws {
    let daemon = Daemon(journalBytes: 200_000)
    var sinks: [ScriptedSink] = []
    for (id, whenFull) in [("refuse", WhenFull.refuse), ("lossy", .dropOldest)] {
      let random = Lock(SeededRandom(state: seed &+ UInt64(id.utf8.count)))
      let sink = ScriptedSink { batch, _ in
        let bodies = batch.bodies
        if bodies.contains(where: { $0.hasSuffix("bad") }) { return .failure(.invalid(reason: "400")) }
        if batch.byteCount > 3000 { return .failure(.tooLarge(reason: "413")) }
        return switch random.withLock({ Int.random(in: 0..<10, using: &$0) }) {
        case 0...2: .failure(busy)
        case 3: .success(ExportRequest.Rejection(itemCount: 1, message: "one too many"))
        default: .success(nil)
        }
      }
      sinks.append(sink)
      daemon.add(sink, id, settings(items: 300, whenFull: whenFull), signals: [.logs])
    }
    try daemon.start()
    var random = SeededRandom(state: seed)
    var accepted: [String] = []
    for number in 0..<400 {
      let count = Int.random(in: 1...60, using: &random)
      let names = (0..<count).map { _ in Int.random(in: 0..<500, using: &random) == 0 ? "\(number)bad" : "\(number)" }
      if daemon.accept(try logs(names, service: "s\(number % 3)")) == .accepted { accepted += names }
    }
    #expect(
      sinks[0].wait { _ in daemon.value("otlpd_exporter_pending_items{exporter=\"refuse\",signal=\"logs\"}") == 0 })
    daemon.stop()
    for (id, sink) in zip(["refuse", "lossy"], sinks) {
      let sent = daemon.value("otelcol_exporter_sent_log_records{exporter=\"\(id)\"}")
      #expect(sent + daemon.dropped(id) == accepted.count, "\(id)")
      if id == "refuse" {
        #expect(sink.state.delivered.flatMap(\.bodies).sorted() == accepted.filter { !$0.hasSuffix("bad") }.sorted())
        let bad = accepted.count { $0.hasSuffix("bad") }
        #expect(daemon.value("otlpd_dropped_items{exporter=\"refuse\",signal=\"logs\",reason=\"invalid\"}") == bad)
      }
    }
  }
}
