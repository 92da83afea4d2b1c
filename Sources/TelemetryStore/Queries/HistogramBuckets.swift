// The buckets of a metric's histogram, which can be added, subtracted and asked for quantiles.

internal import Glibc

/// Counts of an explicit or an exponential histogram. They need not be whole: a part of an interval has a part of them.
package struct HistogramBuckets: Sendable, Equatable {
  enum Layout: Sendable, Equatable {
    /// Upper bounds of all buckets but the last.
    case explicit([Double])
    /// OTLP's scale: bucket `i` holds values in `(base^i, base^(i+1)]`, base `2^(2^-scale)`.
    case exponential(scale: Int64)
  }

  private(set) var layout: Layout
  /// By bucket: of an explicit histogram all, of an exponential one those of positive values.
  private(set) var positive: [Int64: Double]
  private(set) var negative: [Int64: Double] = [:]
  private(set) var zero = 0.0

  init(bounds: [Double], counts: [Double]) {
    layout = .explicit(bounds)
    positive = HistogramBuckets.indexed(counts, from: 0)
  }

  init(
    scale: Int64, zero: Double, positiveOffset: Int64, positive: [Double], negativeOffset: Int64, negative: [Double]
  ) {
    layout = .exponential(scale: scale)
    self.zero = zero
    self.positive = HistogramBuckets.indexed(positive, from: positiveOffset)
    self.negative = HistogramBuckets.indexed(negative, from: negativeOffset)
  }

  private static func indexed(_ counts: [Double], from offset: Int64) -> [Int64: Double] {
    var buckets: [Int64: Double] = [:]
    for (index, count) in counts.enumerated() where count != 0 { buckets[offset &+ Int64(index)] = count }
    return buckets
  }

  package var count: Double { zero + positive.values.reduce(0, +) + negative.values.reduce(0, +) }

  /// Adds `share` times the other's counts.
  ///
  /// - Returns: false, and nothing is added, when the two have different bounds.
  mutating func add(_ other: HistogramBuckets, share: Double = 1) -> Bool {
    guard let (mine, others) = HistogramBuckets.aligned(self, other) else { return false }
    self = mine
    zero += share * others.zero
    for (index, count) in others.positive { positive[index, default: 0] += share * count }
    for (index, count) in others.negative { negative[index, default: 0] += share * count }
    return true
  }

  /// What came since `earlier`; nil when it cannot be compared, or when this is less anywhere: a new beginning.
  func increase(since earlier: HistogramBuckets) -> HistogramBuckets? {
    var increase = self
    guard increase.add(earlier, share: -1) else { return nil }
    let counts = [increase.zero] + Array(increase.positive.values) + Array(increase.negative.values)
    return counts.contains { $0 < 0 } ? nil : increase
  }

  /// Both in one layout; of two scales the coarser, to which the finer converts exactly.
  private static func aligned(
    _ left: HistogramBuckets, _ right: HistogramBuckets
  ) -> (HistogramBuckets, HistogramBuckets)? {
    switch (left.layout, right.layout) {
    case (.explicit(let mine), .explicit(let others)): return mine == others ? (left, right) : nil
    case (.exponential(let mine), .exponential(let others)):
      let scale = min(mine, others)
      return (left.scaled(to: scale, from: mine), right.scaled(to: scale, from: others))
    default: return nil
    }
  }

  private func scaled(to scale: Int64, from old: Int64) -> HistogramBuckets {
    if scale == old { return self }
    var result = self
    result.layout = .exponential(scale: scale)
    result.positive = [:]
    result.negative = [:]
    for (index, count) in positive { result.positive[index >> (old - scale), default: 0] += count }
    for (index, count) in negative { result.negative[index >> (old - scale), default: 0] += count }
    return result
  }

  /// The value below which the share lies: inside a bucket with bounds as if evenly spread, as Prometheus does; of an
  /// exponential one the bucket's middle. Nil when nothing is counted.
  package func quantile(_ share: Double) -> Double? {
    let total = count
    guard total > 0 else { return nil }
    let rank = min(max(share, 0), 1) * total
    switch layout {
    case .explicit(let bounds): return explicitQuantile(rank, bounds)
    case .exponential(let scale): return exponentialQuantile(rank, scale)
    }
  }

  private func explicitQuantile(_ rank: Double, _ bounds: [Double]) -> Double? {
    guard let first = bounds.first, let last = bounds.last else { return nil }
    var seen = 0.0
    for (index, count) in positive.sorted(by: { $0.key < $1.key }) where count > 0 {
      guard seen + count >= rank, index >= 0 else {
        seen += count
        continue
      }
      // The last bucket has no upper bound, so its lower one is all that is known.
      guard index < bounds.count else { return last }
      let upper = bounds[Int(index)]
      let lower = index == 0 ? min(0, first) : bounds[Int(index) - 1]
      return lower + (upper - lower) * max(0, rank - seen) / count
    }
    return last
  }

  private func exponentialQuantile(_ rank: Double, _ scale: Int64) -> Double? {
    var seen = 0.0
    var value: Double?
    func take(_ count: Double, _ middle: Double) -> Bool {
      guard count > 0 else { return false }
      seen += count
      value = middle
      return seen >= rank
    }
    let width = exp2(-Double(scale))
    func middle(_ index: Int64) -> Double {
      let (lower, upper) = (exp2(Double(index) * width), exp2(Double(index + 1) * width))
      return 2 * lower / (1 + lower / upper)
    }
    for (index, count) in negative.sorted(by: { $0.key > $1.key }) where take(count, -middle(index)) { return value }
    if take(zero, 0) { return value }
    for (index, count) in positive.sorted(by: { $0.key < $1.key }) where take(count, middle(index)) { return value }
    return value
  }
}
