// Tests when a lane reads, sends, waits and gives up.

import Journal
import Pipeline
import System
import Testing

@Suite struct LaneTests {
  @Test("An idle lane waits for any record, and sends it at once")
  func natural() {
    var bench = LaneBench()
    guard case .wait(nil, let alarms) = bench.step() else {
      Issue.record("nothing is pending")
      return
    }
    #expect(alarms == [Cursor.Alarm(items: 0)])
    bench.fill(items: 1)
    #expect(bench.sending() == 0)
    #expect(bench.ended(.success(nil)) == .delivered(rejectedItems: 0, message: nil))
  }

  @Test("With a minimum, a lane waits for enough items or for the flush time")
  func minimum() {
    let minimum = BatchSettings.Minimum(items: 100, flushTimeout: .milliseconds(200))
    var bench = LaneBench(DeliverySettings(batch: BatchSettings(minimum: minimum)))
    bench.fill(items: 99, since: .milliseconds(150))
    guard case .wait(let until?, let alarms) = bench.step() else {
      Issue.record("99 of 100 are not enough")
      return
    }
    #expect(until.since(bench.clock.monotonic) == .milliseconds(50))
    #expect(alarms == [Cursor.Alarm(items: 100)])
    bench.fill(items: 100)
    #expect(bench.sending() == 0)
    _ = bench.ended(.success(nil))
    bench.fill(items: 1, position: 2, since: .milliseconds(200))
    #expect(bench.sending() == 0)
  }

  @Test("With a minimum in bytes, a lane waits for them")
  func minimumBytes() {
    let minimum = BatchSettings.Minimum(items: .max, bytes: 1000)
    var bench = LaneBench(DeliverySettings(batch: BatchSettings(minimum: minimum)))
    bench.fill(items: 9)
    #expect(bench.rest() == .milliseconds(200))
    bench.fill(items: 10)
    #expect(bench.sending() == 0)
  }

  @Test("A failed batch is sent again after its back-off, not earlier")
  func retry() {
    var bench = LaneBench()
    bench.fill(items: 1)
    #expect(bench.sending() == 0)
    #expect(bench.ended(.failure(busy), took: .seconds(2)) == .retry(after: .seconds(5), error: "busy"))
    #expect(bench.rest() == .seconds(5))
    bench.clock.advance(by: .milliseconds(4999))
    #expect(bench.rest() == .milliseconds(1))
    bench.clock.advance(by: .milliseconds(1))
    #expect(bench.sending() == 0)
    #expect(bench.ended(.failure(busy), jitter: 1) == .retry(after: .milliseconds(11_250), error: "busy"))
    bench.clock.advance(by: .seconds(12))
    #expect(bench.sending() == 0)
    #expect(bench.ended(.success(nil)) == .delivered(rejectedItems: 0, message: nil))
    bench.fill(items: 1, position: 2)
    #expect(bench.sending() == 0)
    #expect(bench.ended(.failure(busy)) == .retry(after: .seconds(5), error: "busy"), "the next batch starts anew")
  }

  @Test("The peer's Retry-After is waited for, in reason")
  func retryAfter() {
    var bench = LaneBench()
    bench.fill(items: 1)
    #expect(bench.sending() == 0)
    let wish = ExportError.retryable(after: .seconds(60), reason: "later")
    #expect(bench.ended(.failure(wish)) == .retry(after: .seconds(60), error: "later"))
    bench.clock.advance(by: .seconds(60))
    #expect(bench.sending() == 0)
    let absurd = ExportError.retryable(after: .seconds(1_000_000), reason: "next year")
    #expect(bench.ended(.failure(absurd)) == .retry(after: .seconds(300), error: "next year"))
  }

  @Test("What can never succeed is dropped under the sink's reason")
  func permanent() {
    var bench = LaneBench()
    bench.fill(items: 1)
    #expect(bench.sending() == 0)
    #expect(
      bench.ended(.failure(.permanent(reason: "http_400")))
        == .dropped(items: 1, reason: "http_400", error: "not retryable: http_400"))
    bench.fill(items: 1, position: 2)
    #expect(bench.sending() == 0)
  }

  @Test("Without retries, the first failure drops")
  func retryDisabled() {
    var bench = LaneBench(DeliverySettings(retry: RetrySettings(isEnabled: false)))
    bench.fill(items: 1)
    #expect(bench.sending() == 0)
    #expect(bench.ended(.failure(busy)) == .dropped(items: 1, reason: "retry_disabled", error: "busy"))
  }

  @Test("A batch is dropped when its next attempt would come after max_elapsed_time")
  func maxElapsed() {
    var bench = LaneBench(DeliverySettings(retry: RetrySettings(maxElapsedTime: .seconds(20))))
    bench.fill(items: 1)
    var attempts = 0
    while true {
      #expect(bench.sending() == 0)
      attempts += 1
      guard case .retry(let delay, _) = bench.ended(.failure(busy), took: .seconds(1)) else { break }
      bench.clock.advance(by: delay)
    }
    // 1 + 5 + 1 + 7.5 + 1 = 15.5 s after the first attempt began, and 11.25 s more would be too late.
    #expect(attempts == 3)
    bench.fill(items: 1, position: 2)
    #expect(bench.sending() == 0, "the next batch has its own time")
  }

  @Test("A batch that the journal dropped meanwhile is given up without another attempt")
  func droppedByJournal() {
    var bench = LaneBench()
    bench.fill(items: 1, position: 7)
    #expect(bench.sending() == 0)
    _ = bench.ended(.failure(busy))
    bench.fill(items: 1, position: 8)
    guard case .read(0, _) = bench.step() else {
      Issue.record("the lane goes on with what is there")
      return
    }
  }

  @Test("A failing lane's back-off does not hold the others back")
  func lanesAreIndependent() {
    var bench = LaneBench(lanes: 3)
    bench.fill(0, items: 1)
    #expect(bench.sending() == 0)
    _ = bench.ended(.failure(busy), lane: 0)
    for position in UInt64(1)...5 {
      bench.fill(1, items: 1, position: position)
      bench.fill(2, items: 1, position: position)
      #expect(bench.sending() == 1)
      #expect(bench.ended(.success(nil), lane: 1) == .delivered(rejectedItems: 0, message: nil))
      #expect(bench.sending() == 2)
      #expect(bench.ended(.success(nil), lane: 2) == .delivered(rejectedItems: 0, message: nil))
    }
    bench.clock.advance(by: .seconds(5))
    #expect(bench.sending() == 0)
  }

  @Test("Lanes that always have something take turns")
  func turns() {
    var bench = LaneBench(lanes: 3)
    var order: [Int] = []
    for round in UInt64(1)...9 {
      for lane in 0..<3 { bench.fill(lane, items: 5, position: round) }
      guard let lane = bench.sending() else { break }
      order.append(lane)
      _ = bench.ended(.success(nil), lane: lane)
    }
    #expect(order == [0, 1, 2, 0, 1, 2, 0, 1, 2])
  }

  @Test("Stopping sends at once what waited for more, or for its next attempt")
  func stopHurries() {
    let minimum = BatchSettings.Minimum(items: 100, flushTimeout: .seconds(10))
    var bench = LaneBench(lanes: 2, DeliverySettings(batch: BatchSettings(minimum: minimum)))
    bench.fill(0, items: 100)
    #expect(bench.sending() == 0)
    _ = bench.ended(.failure(busy))
    bench.fill(1, items: 1)
    #expect(bench.sending() == nil)
    bench.lanes.stop(by: bench.clock.monotonic + .seconds(10), at: bench.clock.monotonic)
    #expect(bench.sending() == 1)
    _ = bench.ended(.success(nil), lane: 1)
    #expect(bench.sending() == 0)
    #expect(bench.ended(.failure(busy)) == .retry(after: .seconds(1), error: "busy"), "back-off is cut short")
  }

  @Test("Stopping ends when nothing is left, or when no time is left")
  func stopEnds() {
    var bench = LaneBench(lanes: 2)
    bench.fill(0, items: 1)
    bench.lanes.stop(by: bench.clock.monotonic + .seconds(3), at: bench.clock.monotonic)
    var attempts = 0
    while bench.sending() == 0 {
      attempts += 1
      guard case .retry(let delay, _) = bench.ended(.failure(busy)) else { break }
      bench.clock.advance(by: delay)
    }
    #expect(attempts == 3)
    guard case .finish = bench.step() else {
      Issue.record("the deadline is over")
      return
    }
  }
}
