// Tests the intervals between attempts.

import Pipeline
import Testing

@Suite struct BackoffTests {
  @Test("Intervals grow by the factor up to the maximum, as the Collector's do")
  func growth() {
    var backoff = Backoff(RetrySettings())
    let seconds = (0..<7).map { _ in Int(backoff.next(requested: nil, jitter: 0) / .milliseconds(1)) }
    #expect(seconds == [5000, 7500, 11250, 16875, 25312, 30000, 30000])
  }

  @Test("Jitter moves an interval by half at most", arguments: [(-1.0, 2500), (-0.5, 3750), (0, 5000), (1, 7500)])
  func jitter(jitter: Double, milliseconds: Int) {
    var backoff = Backoff(RetrySettings())
    #expect(backoff.next(requested: nil, jitter: jitter) == .milliseconds(milliseconds))
  }

  @Test(
    "The peer's wish is a minimum, and five minutes at most",
    arguments: [(1, 5), (5, 5), (60, 60), (300, 300), (86_400, 300), (-7, 5)])
  func requested(wish: Int, expected: Int) {
    var backoff = Backoff(RetrySettings())
    #expect(backoff.next(requested: .seconds(wish), jitter: 0) == .seconds(expected))
  }

  @Test("Absurd settings end at the maximum")
  func absurd() {
    var backoff = Backoff(RetrySettings(multiplier: 1e300))
    _ = backoff.next(requested: nil, jitter: 1)
    #expect(backoff.next(requested: nil, jitter: 0) == .seconds(30))
  }
}
