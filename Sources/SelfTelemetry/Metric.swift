// Counters and gauges that any thread may change without a lock.

internal import Synchronization

/// A number that only grows; relaxed atomics, so reading two counters is no snapshot.
package final class Counter: Sendable {
  private let count = Atomic<Int>(0)

  package init() {}

  /// Adds `amount`, at least 0.
  package func add(_ amount: Int = 1) { count.wrappingAdd(amount, ordering: .relaxed) }

  package var value: Int { count.load(ordering: .relaxed) }
}

/// A number that goes up and down.
package final class Gauge: Sendable {
  private let level = Atomic<Int>(0)

  package init() {}

  package func set(_ value: Int) { level.store(value, ordering: .relaxed) }
  package func add(_ amount: Int) { level.wrappingAdd(amount, ordering: .relaxed) }

  package var value: Int { level.load(ordering: .relaxed) }
}
