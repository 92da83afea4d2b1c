// Which metrics there are, and their values, rates and quantiles over time.

internal import Bytes
internal import OTLP
internal import SQLite

/// A metric by its name and what its points mean.
package struct MetricInfo: Sendable, Equatable {
  package let name: String
  package let type: String
  package let unit: String?
  package let description: String?
  /// `delta`, `cumulative`, or nil for what has none.
  package let temporality: String?
  package let isMonotonic: Bool?
  package let services: [String]
  /// In the day file that has most.
  package let series: Int
}

/// Which points of a metric, and how they are put together.
package struct MetricFilter: Sendable {
  package enum Grouping: Sendable, Equatable {
    /// One line per set of attributes and service.
    case attributes
    /// One line per value of an attribute.
    case attribute(String)
    /// One line.
    case all
  }

  package let name: String
  package var service: String?
  /// By their values as text.
  package var attributes: [(key: String, value: String)] = []
  package var grouping = Grouping.attributes

  package init(name: String) { self.name = name }
}

/// One line of a metric's chart.
package struct MetricLine: Sendable {
  package let type: String
  package let unit: String?
  package let service: String?
  /// Flat JSON.
  package let attributes: String
  package let points: [MetricPoint]
}

/// One point of a line.
package struct MetricPoint: Sendable, Equatable {
  /// Where the point's time begins, Unix nanoseconds.
  package let time: Int64
  /// Of a gauge the mean of its series, of a sum that may fall their sum.
  package internal(set) var value: Double?
  /// Increase per second: of a sum its value, of a histogram the number of measurements.
  package internal(set) var rate: Double?
  /// The mean of what a histogram measured.
  package internal(set) var mean: Double?
  package internal(set) var buckets: HistogramBuckets?
}

package struct MetricChart: Sendable {
  package let window: TimeWindow
  /// Nanoseconds between points; those without data are left out.
  package let step: Int64
  package let lines: [MetricLine]
  /// There were more than `StoreReader.linesMax`.
  package let isCut: Bool
}

extension StoreReader {
  /// Lines of one chart.
  package static let linesMax = 200

  /// The metrics that the files of the window know, by name.
  package func metrics(_ window: TimeWindow?, service: String? = nil) throws(QueryError) -> Answer<[MetricInfo]> {
    let session = try session(.metrics, window)
    var found: [String: MetricInfo] = [:]
    for info in try session.ask({ (file) throws(SQLiteError) in try Self.metrics(file.database, service) }).joined() {
      let key = "\(info.name)\u{0}\(info.type)\u{0}\(info.unit ?? "")\u{0}\(info.temporality ?? "")"
      guard let old = found[key] else {
        found[key] = info
        continue
      }
      found[key] = MetricInfo(
        name: old.name, type: old.type, unit: old.unit, description: old.description ?? info.description,
        temporality: old.temporality, isMonotonic: old.isMonotonic,
        services: Set(old.services).union(info.services).sorted(), series: max(old.series, info.series))
    }
    return session.answer(found.values.sorted { ($0.name, $0.type) < ($1.name, $1.type) })
  }

  private static func metrics(_ database: Database, _ service: String?) throws(SQLiteError) -> [MetricInfo] {
    var rows = try database.prepare(
      """
      SELECT name, type, unit, description, temporality, is_monotonic, count(*), service_name
      FROM metrics JOIN series ON series.metric_id = metrics.id WHERE coalesce(service_name = ?1, ?1 IS NULL)
      GROUP BY metrics.id, service_name
      """)
    if let service { rows.bind(service, at: 1) }
    var metrics: [MetricInfo] = []
    while try rows.step() {
      metrics.append(
        MetricInfo(
          name: rows.text(0) ?? "", type: rows.text(1) ?? "", unit: rows.text(2), description: rows.text(3),
          temporality: rows.text(4), isMonotonic: rows.isNull(5) ? nil : rows.integer(5) != 0,
          services: rows.text(7).map { [$0] } ?? [], series: Int(rows.integer(6))))
    }
    return metrics
  }

  /// The values of a metric over time. What several processes write under one name is told apart and added up.
  package func metric(_ window: TimeWindow, _ filter: MetricFilter) throws(QueryError) -> Answer<MetricChart> {
    for key in filter.attributes.map(\.key) + [filter.grouping.key ?? ""] where key.contains("\"") {
      throw .invalid("an attribute's key cannot contain a quote; found \(key)")
    }
    let step = ChartStep.nanoseconds(window)
    // A counter's increase needs the point before the window; exporters write once a minute or more often.
    let lookback = max(step, 150_000_000_000)
    let reading = TimeWindow(from: max(0, window.from - lookback), to: window.to) ?? window
    let session = try session(.metrics, reading)
    var groups: [MetricGroup: [MetricWriter: [MetricSample]]] = [:]
    for part in try session.ask({ (file) throws(SQLiteError) in try Self.samples(file.database, reading, filter) }) {
      groups.merge(part) { $0.merging($1) { $0 + $1 } }
    }
    let lines = groups.map { group, writers in
      var builder = MetricLineBuilder(window: window, readFrom: reading.from, step: step, shape: group.shape)
      for (writer, samples) in writers { builder.add(samples.sorted { $0.time < $1.time }, start: writer.start) }
      return MetricLine(
        type: group.shape.type, unit: group.shape.unit, service: group.service, attributes: group.attributes,
        points: builder.points())
    }
    let sorted = lines.filter { !$0.points.isEmpty }.sorted {
      ($0.service ?? "", $0.attributes, $0.type) < ($1.service ?? "", $1.attributes, $1.type)
    }
    return session.answer(
      MetricChart(
        window: window, step: step, lines: Array(sorted.prefix(StoreReader.linesMax)),
        isCut: sorted.count > StoreReader.linesMax))
  }

  private static func samples(
    _ database: Database, _ window: TimeWindow, _ filter: MetricFilter
  ) throws(SQLiteError) -> [MetricGroup: [MetricWriter: [MetricSample]]] {
    var conditions = Conditions()
    conditions.add("metrics.name = \(conditions.parameter(filter.name))")
    if let service = filter.service { conditions.add("series.service_name = \(conditions.parameter(service))") }
    for attribute in filter.attributes {
      let path = conditions.parameter("$.\"\(attribute.key)\"")
      let value = conditions.parameter(attribute.value)
      conditions.add(
        "CAST(series.attributes ->> \(path) AS TEXT) = \(value) OR series.attributes -> \(path) = \(value)")
    }
    let group =
      switch filter.grouping {
      case .attributes: "coalesce(series.attributes, '{}')"
      case .attribute(let key):
        "json_object(\(conditions.parameter(key)), series.attributes ->> \(conditions.parameter("$.\"\(key)\"")))"
      case .all: "'{}'"
      }
    var series = try database.prepare(
      """
      SELECT series.id, series.service_name, series.attributes, resources.attributes, scopes.name, metrics.type,
        coalesce(aggregation_temporality, 0), coalesce(is_monotonic, 0), metrics.unit, \(group)
      FROM metrics JOIN series ON series.metric_id = metrics.id LEFT JOIN resources ON resources.id = series.resource_id
        LEFT JOIN scopes ON scopes.id = series.scope_id
      WHERE \(conditions.sql)
      """)
    series.bind(conditions.values)
    // Bit 0 of the flags: a point without a value (OTLP DataPointFlags).
    var points = try database.prepare(
      """
      SELECT \(MetricSample.columns) FROM points
      WHERE series_id = ?1 AND time_unix_nano >= ?2 AND time_unix_nano < ?3 AND flags & 1 = 0
      """)
    var groups: [MetricGroup: [MetricWriter: [MetricSample]]] = [:]
    while try series.step() {
      let shape = MetricShape(
        type: series.text(5) ?? "", temporality: series.integer(6), isMonotonic: series.integer(7) != 0,
        unit: series.text(8))
      let group = MetricGroup(
        shape: shape, service: filter.grouping == .attributes ? series.text(1) : filter.service,
        attributes: series.text(9) ?? "{}")
      points.bind(series.integer(0), at: 1)
      points.bind(window.from, at: 2)
      points.bind(window.to, at: 3)
      while try points.step() {
        let sample = MetricSample(points)
        let writer = MetricWriter(
          resource: series.text(3), scope: series.text(4), attributes: series.text(2), start: sample.start)
        groups[group, default: [:]][writer, default: []].append(sample)
      }
    }
    return groups
  }
}

extension MetricFilter.Grouping {
  var key: String? { if case .attribute(let key) = self { key } else { nil } }
}
