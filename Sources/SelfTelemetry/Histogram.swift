// A distribution with fixed buckets, which any thread may add to without a lock.

/// How often something took how long. Counters by bucket, so a scrape in the middle of an observation is no snapshot.
package final class Histogram: Sendable {
  /// The largest value of each bucket, in seconds; a last bucket takes whatever is larger.
  package let bounds: [Double]
  private let counts: [Counter]
  private let nanoseconds = Counter()

  /// For waiting on a disk, from a fast cache to one that is in trouble.
  package static let diskBounds = [
    0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
  ]

  /// - Parameter bounds: rising.
  package init(bounds: [Double]) {
    self.bounds = bounds
    counts = (0...bounds.count).map { _ in Counter() }
  }

  /// Adds one observation; one that is equal to a bound belongs to its bucket.
  package func observe(seconds: Double) {
    counts[bounds.firstIndex { seconds <= $0 } ?? bounds.count].add()
    nanoseconds.add(Int(max(seconds, 0) * 1e9))
  }

  /// The observations up to each bound, then all of them.
  package var cumulativeCounts: [Int] {
    var total = 0
    return counts.map { count in
      total += count.value
      return total
    }
  }

  /// The sum of all observations, in seconds.
  package var sum: Double { Double(nanoseconds.value) / 1e9 }
}
