// What otlpd is doing and has done lately, operation by operation: what the zpages show.

internal import Synchronization

/// Every operation that is watched. Nothing is measured until somebody wants to see it.
package final class Activity: Sendable {
  /// Names come from the configuration; a file that is reloaded with ever new ones must not fill the memory.
  private static let operationsMax = 1024

  private let isWatching = Atomic<Bool>(false)
  private let isExported = Atomic<Bool>(false)
  // Uncontended by design: at start and for a page.
  private let known = Mutex<[String: Operation]>([:])

  package init() {}

  /// Measures from now on.
  package func watch() { isWatching.store(true, ordering: .relaxed) }

  /// Measures from now on, and shows the latencies among the metrics while `isOn`.
  package func export(_ isOn: Bool) {
    if isOn { watch() }
    isExported.store(isOn, ordering: .relaxed)
  }

  /// Those to be shown among the metrics.
  var exported: [Operation] { isExported.load(ordering: .relaxed) ? operations : [] }

  /// Whether what begins now is to be measured.
  package var isWatched: Bool { isWatching.load(ordering: .relaxed) }

  /// The operation of this name, the same one each time; nil when there are too many.
  package func operation(_ name: String) -> Operation? {
    known.withLock { known in
      if let operation = known[name] { return operation }
      guard known.count < Activity.operationsMax else { return nil }
      let operation = Operation(name: name)
      known[name] = operation
      return operation
    }
  }

  /// All of them, by name.
  package var operations: [Operation] { known.withLock { known in known.values.sorted { $0.name < $1.name } } }
}

/// One kind of work: how many are under way, how long the others took, and the last that failed. Any thread.
package final class Operation: Sendable {
  /// A piece of work that failed.
  package struct Failure: Sendable {
    /// Nanoseconds since 1970.
    package let time: UInt64
    package let seconds: Double
    package let reason: String
  }

  /// The Collector's latency buckets.
  package static let bounds = [0.000_01, 0.000_1, 0.001, 0.01, 0.1, 1, 10, 100]
  /// How many failures are kept, and how much of each one's reason.
  package static let failuresMax = 16
  package static let reasonMax = 300

  package let name: String
  /// Those that have ended, failed ones too.
  package let latency = Histogram(bounds: bounds)
  private let running = Gauge()
  private let failed = Counter()
  private let recent = Mutex<[Failure]>([])

  fileprivate init(name: String) { self.name = name }

  package func began() { running.add(1) }

  /// - Parameters:
  ///   - time: nanoseconds since 1970.
  ///   - failure: why it failed; nil when it did not.
  package func ended(after seconds: Double, at time: UInt64, failure: String?) {
    running.add(-1)
    latency.observe(seconds: seconds)
    guard let failure else { return }
    failed.add()
    let entry = Failure(
      time: time, seconds: seconds,
      reason: String(String.UnicodeScalarView(failure.unicodeScalars.prefix(Operation.reasonMax))))
    // Threads that all fail at once do not wait for each other: one of them is remembered.
    _ = recent.withLockIfAvailable { recent in
      if recent.count == Operation.failuresMax { recent.removeFirst() }
      recent.append(entry)
    }
  }

  package var runningCount: Int { running.value }
  package var failureCount: Int { failed.value }
  /// The last ones, oldest first.
  package var failures: [Failure] { recent.withLock { $0 } }
}
