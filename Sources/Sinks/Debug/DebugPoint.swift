// A data point's value as text, in the form of the Collector's debug exporter.

internal import Glibc
internal import OTLP

/// Writes the values of the five kinds of data points.
enum DebugPoint {
  /// Buckets, and quantiles, of one point that are shown; SDKs make at most 160.
  private static let partsMax = 400

  /// `42`, or `count=3 sum=6.5 min=1 max=4 le2=1 2`: buckets carry their upper bound, the last one has none.
  static func text(of point: borrowing DataPointView) -> String {
    switch point.kind {
    case .gauge, .sum: number(point)
    case .histogram: (totals(point) + buckets(point)).joined(separator: " ")
    case .exponentialHistogram: (totals(point) + exponentialBuckets(point)).joined(separator: " ")
    case .summary: (totals(point) + quantiles(point)).joined(separator: " ")
    }
  }

  private static func number(_ point: borrowing DataPointView) -> String {
    switch point.value {
    case .int(let value): String(value)
    case .double(let value): DebugText.number(value)
    // DataPointFlags: "no recorded value".
    case nil: "(no value)"
    }
  }

  private static func totals(_ point: borrowing DataPointView) -> [String] {
    var parts = ["count=\(point.count ?? 0)"]
    if let sum = point.sum { parts.append("sum=\(DebugText.number(sum))") }
    if let min = point.min { parts.append("min=\(DebugText.number(min))") }
    if let max = point.max { parts.append("max=\(DebugText.number(max))") }
    return parts
  }

  private static func buckets(_ point: borrowing DataPointView) -> [String] {
    var bounds: [String] = []
    point.explicitBounds.forEachDouble { bound in
      if bounds.count < partsMax { bounds.append("le\(DebugText.number(bound))=") }
    }
    var parts: [String] = []
    point.bucketCounts.forEachUInt64 { count in
      guard parts.count < partsMax else { return }
      parts.append((parts.count < bounds.count ? bounds[parts.count] : "") + String(count))
    }
    return parts
  }

  /// From the lowest bucket to the highest: the negative ones backwards, zero, the positive ones.
  private static func exponentialBuckets(_ point: borrowing DataPointView) -> [String] {
    let scale = point.scale ?? 0
    var negative: [String] = []
    if let buckets = point.negative {
      var index = Int(buckets.offset)
      // metrics.proto, ExponentialHistogramDataPoint: bucket `index` holds base^index to base^(index+1).
      buckets.bucketCounts.forEachUInt64 { count in
        guard negative.count < partsMax else { return }
        negative.append("le-\(DebugText.number(bound(index, scale)))=\(count)")
        index += 1
      }
    }
    var positive: [String] = []
    if let buckets = point.positive {
      var index = Int(buckets.offset)
      buckets.bucketCounts.forEachUInt64 { count in
        guard positive.count < partsMax else { return }
        positive.append("le\(DebugText.number(bound(index + 1, scale)))=\(count)")
        index += 1
      }
    }
    let zeroCount = point.zeroCount ?? 0
    return negative.reversed() + (zeroCount == 0 ? [] : ["zero=\(zeroCount)"]) + positive
  }

  /// base^index, where base is 2^(2^-scale).
  private static func bound(_ index: Int, _ scale: Int32) -> Double {
    exp2(Double(index) * exp2(-Double(scale)))
  }

  private static func quantiles(_ point: borrowing DataPointView) -> [String] {
    var parts: [String] = []
    point.forEachQuantile { quantile, value in
      guard parts.count < partsMax else { return }
      parts.append("q\(DebugText.number(quantile))=\(DebugText.number(value))")
    }
    return parts
  }
}
