// Data points as rows of the table `points`, under their series and their metric.

internal import Bytes
internal import OTLP
internal import SQLite

/// The columns that are written, as parameters of the INSERT.
enum PointColumn: Int32, CaseIterable {
  case seriesID = 1
  case start, time, flags, valueInt, valueDouble, count, sum, min, max, bucketCounts, explicitBounds
  case scale, zeroCount, zeroThreshold, positiveOffset, positiveCounts, negativeOffset, negativeCounts
  case quantileValues, exemplars, nan

  var name: String { PointColumn.names[Int(rawValue) - 1] }

  private static let names = [
    "series_id", "start_time_unix_nano", "time_unix_nano", "flags", "value_int", "value_double", "count", "sum", "min",
    "max", "bucket_counts", "explicit_bounds", "scale", "zero_count", "zero_threshold", "positive_offset",
    "positive_bucket_counts", "negative_offset", "negative_bucket_counts", "quantile_values", "exemplars", "nan",
  ]

  static func prepareInsert(in database: Database) throws(SQLiteError) -> Statement {
    precondition(names.count == allCases.count, "every column that is bound has a name")
    return try Statement.insert(into: "points", names, in: database)
  }
}

extension RowWriter {
  /// Inserts the metric's data points; a metric without points is recorded by its description only.
  mutating func insert(_ metric: MetricView, into written: inout Written) throws(SQLiteError) {
    let metricID = try id(of: metric)
    try metric.forEachDataPoint { (point) throws(SQLiteError) in
      let seriesID = try id(ofSeries: point.attributes, metricID)
      points.bind(seriesID, at: PointColumn.seriesID.rawValue)
      bind(point)
      try points.run()
      written.range.rowCount += 1
      written.range.include(point.timeUnixNano)
    }
  }

  private mutating func id(of metric: MetricView) throws(SQLiteError) -> Int64 {
    try metrics.id(in: database) { content in
      // Texts end with a byte that UTF-8 does not have, so that no two metrics look alike.
      content.append(metric.name.span)
      content.append(0xff)
      content.append(metric.description.span)
      content.append(0xff)
      content.append(metric.unit.span)
      content.append(0xff)
      content.append(UInt8(metric.kind?.rawValue ?? 0))
      content.append(decimal: metric.aggregationTemporality ?? 0)
      content.append(metric.isMonotonic == true ? 1 : 0)
      FlatJSON.append(metric.metadata, to: &content)
    } _: { statement in
      statement.bind(present: metric.name, at: 2)
      statement.bind(present: metric.description, at: 3)
      statement.bind(present: metric.unit, at: 4)
      if let kind = metric.kind { statement.bind(kind.name, at: 5) }
      if let temporality = metric.aggregationTemporality { statement.bind(Int64(temporality), at: 6) }
      if let isMonotonic = metric.isMonotonic { statement.bind(isMonotonic ? 1 : 0, at: 7) }
      statement.bind(present: metric.metadata, at: 8)
    }
  }

  private mutating func id(ofSeries attributes: AttributesView, _ metricID: Int64) throws(SQLiteError) -> Int64 {
    let (resourceID, scopeID, serviceName) = (resourceID, scopeID, serviceName)
    return try series.id(in: database) { content in
      for id in [metricID, resourceID, scopeID] {
        content.append(decimal: id)
        content.append(UInt8(ascii: ","))
      }
      FlatJSON.append(attributes, to: &content)
    } _: { statement in
      statement.bind(metricID, at: 2)
      statement.bind(resourceID, at: 3)
      statement.bind(scopeID, at: 4)
      statement.bind(present: serviceName, at: 5)
      statement.bind(present: attributes, at: 6)
    }
  }

  private mutating func bind(_ point: DataPointView) {
    points.bind(bits: point.startTimeUnixNano, at: PointColumn.start.rawValue)
    points.bind(bits: point.timeUnixNano, at: PointColumn.time.rawValue)
    points.bind(Int64(point.flags), at: PointColumn.flags.rawValue)
    var notNumbers: [PointColumn] = []
    switch point.value {
    case .int(let value): points.bind(value, at: PointColumn.valueInt.rawValue)
    case .double(let value): bind(value, .valueDouble, &notNumbers)
    case nil: break
    }
    if let count = point.count { points.bind(bits: count, at: PointColumn.count.rawValue) }
    bind(point.sum, .sum, &notNumbers)
    bind(point.min, .min, &notNumbers)
    bind(point.max, .max, &notNumbers)
    points.bind(present: point.bucketCounts, at: PointColumn.bucketCounts.rawValue)
    points.bind(present: point.explicitBounds, at: PointColumn.explicitBounds.rawValue)
    if let scale = point.scale { points.bind(Int64(scale), at: PointColumn.scale.rawValue) }
    if let zeroCount = point.zeroCount { points.bind(bits: zeroCount, at: PointColumn.zeroCount.rawValue) }
    bind(point.zeroThreshold, .zeroThreshold, &notNumbers)
    if let positive = point.positive { bind(positive, .positiveOffset, .positiveCounts) }
    if let negative = point.negative { bind(negative, .negativeOffset, .negativeCounts) }
    points.bind(present: point.quantiles, at: PointColumn.quantileValues.rawValue)
    points.bind(present: point.exemplars, at: PointColumn.exemplars.rawValue)
    if !notNumbers.isEmpty {
      points.bind(notNumbers.map(\.name).joined(separator: ","), at: PointColumn.nan.rawValue)
    }
  }

  /// SQLite stores NaN as NULL: the column's name is noted, so that it differs from a number that was not sent.
  private mutating func bind(_ value: Double?, _ column: PointColumn, _ notNumbers: inout [PointColumn]) {
    guard let value else { return }
    if value.isNaN { notNumbers.append(column) } else { points.bind(real: value, at: column.rawValue) }
  }

  private mutating func bind(_ buckets: BucketsView, _ offset: PointColumn, _ counts: PointColumn) {
    points.bind(Int64(buckets.offset), at: offset.rawValue)
    points.bind(present: buckets.bucketCounts, at: counts.rawValue)
  }
}
