// What the zpages show of the work that is done.

import SelfTelemetry
import Testing

@Suite struct ActivityTests {
  @Test("Nothing is measured before somebody wants to see it")
  func off() {
    let activity = Activity()
    #expect(!activity.isWatched)
    activity.watch()
    #expect(activity.isWatched)
  }

  @Test("An operation counts what runs, sorts what has ended into the Collector's buckets, and keeps the errors")
  func operation() throws {
    let activity = Activity()
    let operation = try #require(activity.operation("receiver/otlp http traces"))
    #expect(activity.operation("receiver/otlp http traces") === operation)
    operation.began()
    operation.began()
    operation.began()
    operation.ended(after: 0.000_005, at: 1, failure: nil)
    operation.ended(after: 0.05, at: 2, failure: "refused")
    #expect(operation.runningCount == 1)
    #expect(operation.latency.cumulativeCounts == [1, 1, 1, 1, 2, 2, 2, 2, 2])
    #expect(operation.failureCount == 1)
    let failure = try #require(operation.failures.first)
    #expect(operation.failures.count == 1)
    #expect(failure.time == 2 && failure.seconds == 0.05 && failure.reason == "refused")
    #expect(activity.operations.map(\.name) == ["receiver/otlp http traces"])
  }

  @Test("Errors and their texts take bounded memory: the last ones stay")
  func bounded() throws {
    let operation = try #require(Activity().operation("x"))
    for time in 1...100 {
      operation.began()
      operation.ended(after: 1, at: UInt64(time), failure: String(repeating: "ä", count: 10_000))
    }
    #expect(operation.failureCount == 100)
    #expect(operation.failures.map(\.time) == Array(85...100))
    #expect(operation.failures.allSatisfy { $0.reason.unicodeScalars.count == Operation.reasonMax })
  }

  @Test("There are only so many operations, however many names a configuration has had")
  func operationsAreBounded() {
    let activity = Activity()
    for number in 0..<3000 { _ = activity.operation("\(number)") }
    #expect(activity.operations.count == 1024)
    #expect(activity.operation("0") != nil && activity.operation("2999") == nil)
  }
}
