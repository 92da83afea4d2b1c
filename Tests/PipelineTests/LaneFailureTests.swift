// Tests what a lane makes of each kind of failure, and how several batches are under way at once.

import Bytes
import Journal
import OTLP
import Pipeline
import System
import Testing

private let network = DeliverySettings(consumers: 4, mayReshape: true)

/// Answers every batch by `answer` until nothing is left to send; the bodies taken, and the number of requests.
private func drain(
  _ bench: inout LaneBench, _ answer: ([String]) -> ExportError?
) -> (taken: [String], requests: Int) {
  var (taken, requests): ([String], Int) = ([], 0)
  while bench.sending() != nil {
    requests += 1
    let bodies = bench.sent[0][0].batch.bodies
    if let error = answer(bodies) {
      bench.ended(.failure(error))
    } else {
      taken += bodies
      bench.ended(.success(nil))
    }
    if !bench.settled[0].isEmpty { break }
  }
  return (taken, requests)
}

private func bench(_ bodies: [String]) throws -> LaneBench {
  var bench = LaneBench(network)
  bench.next = [bench.batch([try logs(bodies)], 1)]
  bench.fill(items: bodies.count)
  return bench
}

private let names = (0..<8192).map { "r\($0)" }

@Suite struct LaneFailureTests {
  @Test("Several batches are under way at once, and the cursor follows the lowest")
  func parallel() {
    var bench = LaneBench(DeliverySettings(batch: BatchSettings(itemsMax: 1), consumers: 3))
    bench.fill(items: 10)
    #expect(bench.sending() == 0)
    #expect(bench.sending() == 0)
    #expect(bench.sending() == 0)
    #expect(bench.sending() == nil, "there are three threads")
    #expect(bench.sent[0].map(\.batch.lastSequence) == [1, 2, 3])
    bench.ended(.success(nil), at: 1)
    #expect(bench.settled[0].isEmpty)
    #expect(bench.sending() == 0)
    #expect(bench.sent[0].map(\.batch.lastSequence) == [1, 3, 4])
    bench.ended(.success(nil))
    #expect(bench.settled[0].map(\.lastSequence) == [1, 2])
  }

  @Test("Beside a batch under way, only a full one or one that has waited goes out")
  func fills() {
    var bench = LaneBench(DeliverySettings(batch: BatchSettings(itemsMax: 100), consumers: 4))
    bench.fill(items: 1)
    #expect(bench.sending() == 0)
    bench.fill(items: 100)
    #expect(bench.rest() == .milliseconds(200), "99 items wait")
    bench.fill(items: 101)
    #expect(bench.sending() == 0)
    bench.fill(items: 60)
    #expect(bench.rest() == .milliseconds(200))
    bench.clock.advance(by: .milliseconds(200))
    #expect(bench.sending() == 0)
  }

  @Test("A signal that hangs leaves a thread to the others")
  func lastThread() {
    var bench = LaneBench(lanes: 2, DeliverySettings(batch: BatchSettings(itemsMax: 1), consumers: 3))
    bench.fill(0, items: 10)
    #expect(bench.sending() == 0)
    #expect(bench.sending() == 0)
    #expect(bench.sending() == nil)
    bench.fill(1, items: 10)
    #expect(bench.sending() == 1)
    #expect(bench.sending() == nil)
  }

  @Test("Batches that fail do not let more and more be read")
  func boundedRetries() {
    var bench = LaneBench(DeliverySettings(batch: BatchSettings(itemsMax: 1), consumers: 2))
    bench.fill(items: 100)
    #expect(bench.sending() == 0)
    #expect(bench.sending() == 0)
    bench.ended(.failure(busy))
    bench.ended(.failure(busy))
    #expect(bench.sending() == nil)
    #expect(bench.rest() == .seconds(5))
  }

  @Test("What the journal dropped meanwhile is not counted again")
  func overtaken() {
    var bench = LaneBench(network)
    bench.fill(items: 1)
    #expect(bench.sending() == 0)
    bench.fill(items: 1, position: 9)
    #expect(bench.sending() == 0)
    #expect(bench.ended(.success(nil)) == .overtaken)
    #expect(bench.settled[0].isEmpty)
    bench.ended(.success(nil))
    #expect(bench.settled[0] == [Load.Settlement.none(through: 9)])
  }

  @Test("Retry-After holds for all requests of the signal")
  func throttled() {
    var bench = LaneBench(DeliverySettings(batch: BatchSettings(itemsMax: 1), consumers: 4))
    bench.fill(items: 10)
    #expect(bench.sending() == 0)
    bench.ended(.failure(.retryable(after: .seconds(60), reason: "later")))
    #expect(bench.sending() == nil)
    #expect(bench.rest() == .seconds(60))
    bench.clock.advance(by: .seconds(60))
    #expect(bench.sending() == 0)
  }

  @Test("A blocked signal is asked again every 30 seconds with one batch, for ever, and loses nothing")
  func blocked() {
    let retry = RetrySettings(maxElapsedTime: .seconds(60))
    var bench = LaneBench(DeliverySettings(batch: BatchSettings(itemsMax: 1), retry: retry, consumers: 4))
    bench.fill(items: 10)
    #expect(bench.sending() == 0)
    #expect(bench.sending() == 0)
    for _ in 0..<2 { bench.ended(.failure(.blocked(reason: "401"))) }
    for _ in 0..<20 {
      #expect(bench.lanes.pauseReason(0) == "401")
      #expect(bench.sending() == nil)
      #expect(bench.rest() == .seconds(30))
      bench.clock.advance(by: .seconds(30))
      #expect(bench.sending() == 0)
      #expect(bench.sending() == nil, "one probe")
      #expect(bench.ended(.failure(.blocked(reason: "401"))) == .paused(error: "401"))
    }
    bench.clock.advance(by: .seconds(30))
    #expect(bench.sending() == 0)
    bench.ended(.success(nil))
    #expect(bench.lanes.pauseReason(0) == nil)
    #expect(bench.sending() == 0)
    #expect(bench.sending() == 0)
  }

  @Test("A blocked signal does not hold the end up")
  func blockedStop() {
    var bench = LaneBench()
    bench.fill(items: 1)
    #expect(bench.sending() == 0)
    bench.ended(.failure(.blocked(reason: "401")))
    bench.lanes.stop(by: bench.clock.monotonic + .seconds(10), at: bench.clock.monotonic)
    guard case .finish = bench.step() else {
      Issue.record("there is nothing to wait for")
      return
    }
  }

  @Test("Too large a batch goes on in halves, and later ones are not as large", arguments: [200_000, 100_000, 70_000])
  func tooLarge(bytesMax: Int) throws {
    let names = names.map { $0 + String(repeating: "x", count: 50) }
    var bench = try bench(names)
    let whole = try logs(names).payload.count
    var sizes: [Int] = []
    while bench.sending() != nil {
      let bytes = bench.sent[0][0].batch.byteCount
      if bytes <= bytesMax { sizes.append(bytes) }
      bench.ended(bytes > bytesMax ? .failure(.tooLarge(reason: "413")) : .success(nil))
      if !bench.settled[0].isEmpty { break }
    }
    #expect(bench.settled[0].first?.drops == [:])
    #expect(sizes.count <= whole / bytesMax * 4 + 4)
    bench.fill(items: 1000, position: 2)
    guard case .read(_, let reading) = bench.step() else {
      Issue.record("there is more to read")
      return
    }
    #expect(reading.limits.bytesMax <= bytesMax)
    #expect(reading.limits.bytesMax >= bytesMax / 2)
  }

  @Test("A single record that is too large is dropped alone, and makes later batches no smaller")
  func tooLargeAlone() throws {
    let large = String(repeating: "x", count: 5000)
    var bench = try bench(["a", large, "b"])
    let (taken, _) = drain(&bench) { $0.contains(large) ? .tooLarge(reason: "413") : nil }
    #expect(taken == ["a", "b"])
    #expect(bench.settled[0].first?.drops == ["too_large": 1])
    bench.fill(items: 1, position: 2)
    guard case .read(_, let reading) = bench.step() else {
      Issue.record("there is more to read")
      return
    }
    #expect(reading.limits.bytesMax >= 64 << 10)
  }

  @Test(
    "Only the records that the peer refuses are dropped", arguments: [[0], [8191], [4095, 4096], [17, 3000, 8000]])
  func invalid(bad: [Int]) throws {
    var bench = try bench(names)
    let refused = Set(bad.map { names[$0] })
    let (taken, requests) = drain(&bench) { refused.isDisjoint(with: $0) ? nil : .invalid(reason: "400") }
    #expect(taken == names.filter { !refused.contains($0) })
    #expect(bench.settled[0].first?.drops == ["invalid": bad.count])
    // Each bad record costs at most two requests on each of the 13 levels.
    #expect(requests <= 1 + 26 * bad.count)
  }

  @Test("A peer that refuses everything is not asked for every record")
  func invalidAll() throws {
    var bench = try bench(names)
    let (taken, requests) = drain(&bench) { _ in .invalid(reason: "400") }
    #expect(taken == [])
    #expect(bench.settled[0].first?.drops == ["invalid": 8192])
    #expect(requests < 100)
  }

  @Test("A run of refused records costs few good ones")
  func invalidRun() throws {
    var bench = try bench(names)
    let refused = Set(names[1000..<1100])
    let (taken, requests) = drain(&bench) { refused.isDisjoint(with: $0) ? nil : .invalid(reason: "400") }
    #expect(requests < 150)
    #expect(taken.count >= 8192 - 100 - 128)
    #expect((bench.settled[0].first?.drops["invalid"] ?? 0) + taken.count == 8192)
  }

  @Test("A sink whose batches may not be cut drops the whole one")
  func uncut() {
    var bench = LaneBench()
    bench.fill(items: 1)
    #expect(bench.sending() == 0)
    #expect(bench.ended(.failure(.tooLarge(reason: "no"))) == .dropped(items: 1, reason: "too_large", error: "no"))
  }
}

extension Load.Settlement {
  fileprivate static func none(through sequence: UInt64) -> Load.Settlement {
    Load.Settlement(lastSequence: sequence, drops: [:])
  }
}
