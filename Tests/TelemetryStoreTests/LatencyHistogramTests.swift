// The buckets of durations: how far off a percentile is, and that histograms add up.

import Bytes
import Fuzzing
import TelemetryStore
import Testing

@Suite struct LatencyHistogramTests {
  /// What two bounds of a bucket and its middle are apart, and some room for rounding.
  static let errorMax = 0.0109

  @Test("A quantile is at most 1.08 % off the exact one", arguments: 0..<20)
  func isExactEnough(seed: Int) {
    var chance = SplitMix(seed: UInt64(seed))
    let durations = LatencyHistogramTests.durations(Int.random(in: 1...5000, using: &chance), &chance).sorted()
    var histogram = LatencyHistogram()
    for duration in durations { histogram.add(bucket: LatencyHistogram.bucket(of: duration)) }
    #expect(histogram.count == UInt64(durations.count))
    for quantile in [0, 0.01, 0.5, 0.75, 0.9, 0.95, 0.99, 0.999, 1] {
      let rank = max(1, Int((quantile * Double(durations.count)).rounded(.up)))
      let exact = Double(durations[rank - 1])
      let found = histogram.quantile(quantile) ?? 0
      #expect(abs(found - exact) <= exact * LatencyHistogramTests.errorMax, "p\(quantile * 100)")
    }
  }

  @Test("Merging is the same in any order and grouping", arguments: 0..<20)
  func merges(seed: Int) {
    var chance = SplitMix(seed: UInt64(seed))
    let parts = (0..<3).map { _ in
      LatencyHistogramTests.histogram(LatencyHistogramTests.durations(Int.random(in: 0...50, using: &chance), &chance))
    }
    var (left, right, reversed) = (parts[0], parts[1], parts[2])
    left.merge(parts[1])
    left.merge(parts[2])
    right.merge(parts[2])
    var grouped = parts[0]
    grouped.merge(right)
    reversed.merge(parts[1])
    reversed.merge(parts[0])
    #expect(same(left, grouped) && same(left, reversed))
    #expect(left.count == parts.reduce(0) { $0 + $1.count })
  }

  @Test("What is stored is read back", arguments: 0..<50)
  func survivesStoring(seed: Int) throws {
    var chance = SplitMix(seed: UInt64(seed))
    var histogram = LatencyHistogram()
    for _ in 0..<Int.random(in: 0...40, using: &chance) {
      let bucket = Int.random(in: 0..<LatencyHistogram.bucketsMax, using: &chance)
      histogram.add(bucket: bucket, count: UInt64.random(in: 1...(1 << 40), using: &chance))
    }
    var buffer = ByteBuffer()
    histogram.append(to: &buffer)
    let read = try #require(LatencyHistogram(buffer.finish()))
    #expect(same(read, histogram))
  }

  @Test("Damaged bytes are refused or read, never a crash", arguments: 0..<200)
  func readsAnything(seed: Int) {
    var chance = SplitMix(seed: UInt64(seed))
    let bytes = (0..<Int.random(in: 0...20, using: &chance)).map { _ in UInt8.random(in: 0...255, using: &chance) }
    let histogram = LatencyHistogram(Bytes([1] + bytes))
    #expect((histogram?.counts.count ?? 0) <= LatencyHistogram.bucketsMax)
    #expect(LatencyHistogram(Bytes()) == nil && LatencyHistogram(Bytes([2, 0])) == nil)
  }

  @Test("The shortest and the longest durations have buckets")
  func coversAllDurations() {
    #expect(LatencyHistogram.bucket(of: 0) == 0 && LatencyHistogram.bucket(of: 1000) == 0)
    #expect(LatencyHistogram.bucket(of: 3_600_000_000_000) == LatencyHistogram.bucketsMax - 1)
    #expect(LatencyHistogram.bucket(of: .max) == LatencyHistogram.bucketsMax - 1)
    #expect(LatencyHistogram().quantile(0.5) == nil)
  }

  private func same(_ left: LatencyHistogram, _ right: LatencyHistogram) -> Bool {
    func counts(_ histogram: LatencyHistogram) -> [Int: UInt64] {
      var counts: [Int: UInt64] = [:]
      for (offset, count) in histogram.counts.enumerated() where count > 0 { counts[histogram.first + offset] = count }
      return counts
    }
    return counts(left) == counts(right)
  }

  private static func histogram(_ durations: [UInt64]) -> LatencyHistogram {
    var histogram = LatencyHistogram()
    for duration in durations { histogram.add(bucket: LatencyHistogram.bucket(of: duration)) }
    return histogram
  }

  /// Durations between 1 µs and 1 h, as many short as long ones.
  private static func durations(_ count: Int, _ chance: inout SplitMix) -> [UInt64] {
    (0..<count).map { _ in
      let doublings = UInt64.random(in: 0..<31, using: &chance)
      return 1000 * UInt64.random(in: (1 << doublings)...(2 << doublings) - 1, using: &chance)
    }
  }
}
