// Data points of a metric as they are read from the files, and the writers they come from.

internal import Bytes
internal import SQLite

/// One data point, its numbers as doubles.
struct MetricSample {
  let start: Int64
  let time: Int64
  /// Of a gauge or a sum; the sum of a histogram or a summary.
  let value: Double?
  /// Of a histogram or a summary.
  let count: Double?
  let buckets: HistogramBuckets?

  static let columns = """
    start_time_unix_nano, time_unix_nano, value_int, value_double, count, sum, bucket_counts, explicit_bounds, scale,
    zero_count, positive_offset, positive_bucket_counts, negative_offset, negative_bucket_counts
    """

  init(_ row: borrowing Statement) {
    start = row.integer(0)
    time = row.integer(1)
    count = row.isNull(4) ? nil : row.real(4)
    if row.isNull(2) {
      value = row.isNull(3) ? (row.isNull(5) ? nil : row.real(5)) : row.real(3)
    } else {
      value = Double(row.integer(2))
    }
    if !row.isNull(8) {
      buckets = HistogramBuckets(
        scale: row.integer(8), zero: row.real(9), positiveOffset: row.integer(10), positive: Self.numbers(row.text(11)),
        negativeOffset: row.integer(12), negative: Self.numbers(row.text(13)))
    } else {
      let (counts, bounds) = (Self.numbers(row.text(6)), Self.numbers(row.text(7)))
      buckets = counts.count == bounds.count + 1 ? HistogramBuckets(bounds: bounds, counts: counts) : nil
    }
  }

  /// A JSON array of numbers; nothing when one is none that JSON can write.
  private static func numbers(_ json: String?) -> [Double] {
    guard let json, json.utf8.count > 2 else { return [] }
    let parts = json.dropFirst().dropLast().split(separator: ",")
    let numbers = parts.compactMap { Double($0) }
    return numbers.count == parts.count ? numbers : []
  }
}

/// What tells the processes apart that write one series: everything that identifies it, and when they began.
struct MetricWriter: Hashable {
  let resource: String?
  let scope: String?
  let attributes: String?
  let start: Int64
}

/// What a metric's points mean.
struct MetricShape: Hashable {
  let type: String
  /// OTLP's number: 1 delta, 2 cumulative.
  let temporality: Int64
  let isMonotonic: Bool
  let unit: String?

  /// Whether only the increase says something: counters, histograms and summaries.
  var counts: Bool { type == "sum" ? isMonotonic || temporality == 1 : type != "gauge" }
}

/// The points of one group, by writer.
struct MetricGroup: Hashable {
  let shape: MetricShape
  let service: String?
  let attributes: String
}
