// Services, routes and their charts, from the roll-ups alone.

package import Bytes
internal import OTLP
internal import SQLite

/// What a service did or called, as the roll-ups name it.
package struct Operation: Hashable, Sendable {
  package let service: String?
  /// `route`, `statement`, `host` or `operation`.
  package let category: String
  package let kind: Int64
  package let name: String
}

/// Which operations a question is about.
package struct OperationFilter: Sendable {
  package var service: String?
  package var category: String?
  package var name: String?

  package init(service: String? = nil, category: String? = nil, name: String? = nil) {
    self.service = service
    self.category = category
    self.name = name
  }

  func matches(_ operation: Operation) -> Bool {
    (service == nil || service == operation.service ?? "") && (category == nil || category == operation.category)
      && (name == nil || name == operation.name)
  }
}

/// What was counted of one or several operations in some time.
package struct RequestStatistics: Sendable, Equatable {
  package let requests: Int64
  package let errors: Int64
  package let clientErrors: Int64
  /// Nanoseconds of all requests together.
  package let total: Int64
  package let longest: Int64
  /// Of the longest request; hex, nil when it had none.
  package let slowestTraceID: String?
  package let histogram: LatencyHistogram

  init(_ rollup: Rollup) {
    requests = rollup.count
    errors = rollup.errors
    clientErrors = rollup.clientErrors
    total = rollup.sum
    longest = rollup.max
    slowestTraceID = rollup.slowestTraceID.isEmpty ? nil : rollup.slowestTraceID.hex
    histogram = rollup.histogram
  }

  /// Nanoseconds, at most 1.08 % off; nil when nothing was counted.
  package func percentile(_ share: Double) -> Double? {
    histogram.quantile(share).map { min($0, Double(longest)) }
  }
}

/// One row of the route table.
package struct OperationRow: Sendable {
  package let operation: Operation
  package let statistics: RequestStatistics
  package let requestsPerSecond: Double
  /// This operation's part of the time of all rows, 0 … 1.
  package let timeShare: Double
}

/// The operations of a window, those that took most time together first.
package struct OperationTableAnswer: Sendable {
  /// What the rows cover: whole minutes, or whole hours.
  package let window: TimeWindow
  package let rows: [OperationRow]
}

/// One point of an operation's chart.
package struct RequestPoint: Sendable {
  /// Where the point's time begins, Unix nanoseconds.
  package let time: Int64
  package let statistics: RequestStatistics
}

package struct RequestChart: Sendable {
  package let window: TimeWindow
  /// Nanoseconds between points; those without requests are left out.
  package let step: Int64
  package let points: [RequestPoint]
}

/// Requests by time and duration.
package struct HeatMap: Sendable {
  package struct Cell: Sendable, Equatable {
    package let time: Int64
    /// Counted from 0; row `n` holds durations from `2^(n/2)` to `2^((n+1)/2)` µs.
    package let row: Int
    package let count: UInt64
  }

  package let window: TimeWindow
  package let step: Int64
  package let cells: [Cell]

  /// Rows of the histogram's buckets, 16 to one: exact, as two buckets of one scale are one of the next.
  static let bucketsPerRow = 16
}

extension StoreReader {
  /// What each operation did, merged over all files exactly.
  package func operations(
    _ window: TimeWindow, _ filter: OperationFilter = OperationFilter(category: "route")
  ) throws(QueryError) -> Answer<OperationTableAnswer> {
    let (session, periods) = try rollups(window)
    let rollups = try session.merged(periods, filter) { operation, _ in operation }
    let time = rollups.values.reduce(0.0) { $0 + Double($1.sum) }
    let rows = rollups.map { operation, rollup in
      OperationRow(
        operation: operation, statistics: RequestStatistics(rollup),
        requestsPerSecond: Double(rollup.count) / periods.window.seconds,
        timeShare: time > 0 ? Double(rollup.sum) / time : 0)
    }
    let sorted = rows.sorted {
      ($1.statistics.total, $0.operation.name, $0.operation.service ?? "")
        < ($0.statistics.total, $1.operation.name, $1.operation.service ?? "")
    }
    return session.answer(OperationTableAnswer(window: periods.window, rows: sorted))
  }

  /// Requests, errors and percentiles over time, of all operations that match together.
  package func chart(_ window: TimeWindow, _ filter: OperationFilter) throws(QueryError) -> Answer<RequestChart> {
    let (session, periods) = try rollups(window)
    let perPoint = periods.periodsPerPoint
    let rollups = try session.merged(periods, filter) { _, time in time / perPoint }
    let points = rollups.sorted { $0.key < $1.key }.map { time, rollup in
      RequestPoint(time: time * perPoint * periods.length, statistics: RequestStatistics(rollup))
    }
    return session.answer(RequestChart(window: periods.window, step: perPoint * periods.length, points: points))
  }

  /// How many requests took how long, over time.
  package func heatMap(_ window: TimeWindow, _ filter: OperationFilter) throws(QueryError) -> Answer<HeatMap> {
    let chart = try chart(window, filter)
    var cells: [HeatMap.Cell] = []
    for point in chart.value.points {
      let histogram = point.statistics.histogram
      var counts: [Int: UInt64] = [:]
      for (offset, count) in histogram.counts.enumerated() where count > 0 {
        counts[(histogram.first + offset) / HeatMap.bucketsPerRow, default: 0] += count
      }
      for (row, count) in counts.sorted(by: { $0.key < $1.key }) {
        cells.append(HeatMap.Cell(time: point.time, row: row, count: count))
      }
    }
    let map = HeatMap(window: chart.value.window, step: chart.value.step, cells: cells)
    return Answer(value: map, skipped: chart.skipped)
  }
}

extension QuerySession {
  /// The roll-ups of the periods, added up by a key.
  func merged<Key: Hashable>(
    _ periods: RollupPeriods, _ filter: OperationFilter, by key: (Operation, Int64) -> Key
  ) throws(QueryError) -> [Key: Rollup] {
    var sums: [Key: Rollup] = [:]
    let parts = try ask { (file) throws(SQLiteError) in try QuerySession.rollups(file.database, periods, filter, key) }
    for part in parts { sums.merge(part) { QuerySession.sum($0, $1) } }
    return sums
  }

  private static func sum(_ left: Rollup, _ right: Rollup) -> Rollup {
    var sum = left
    sum.merge(right)
    return sum
  }

  private static func rollups<Key: Hashable>(
    _ database: Database, _ periods: RollupPeriods, _ filter: OperationFilter, _ key: (Operation, Int64) -> Key
  ) throws(SQLiteError) -> [Key: Rollup] {
    let operations = try operations(database, filter)
    var sums: [Key: Rollup] = [:]
    if operations.isEmpty { return sums }
    var rows = try database.prepare(periods.statement)
    rows.bind(periods.range.lowerBound, at: 1)
    rows.bind(periods.range.upperBound, at: 2)
    while try rows.step() {
      guard let operation = operations[rows.integer(0)] else { continue }
      let rollup = Rollup(
        count: rows.integer(2), errors: rows.integer(3), clientErrors: rows.integer(4), sum: rows.integer(5),
        max: rows.integer(6), slowestTraceID: rows.bytes(7) ?? Bytes())
      add(rollup, rows.bytes(8), to: &sums[key(operation, rows.integer(1)), default: Rollup()])
    }
    return sums
  }

  private static func add(_ rollup: Rollup, _ histogram: Bytes?, to sum: inout Rollup) {
    sum.merge(rollup)
    if let histogram { _ = sum.histogram.merge(stored: histogram.span) }
  }

  /// The file's operations that match, by their ids.
  static func operations(
    _ database: Database, _ filter: OperationFilter
  ) throws(SQLiteError) -> [Int64: Operation] {
    var rows = try database.prepare("SELECT id, service_name, category, kind, name FROM operations")
    var operations: [Int64: Operation] = [:]
    while try rows.step() {
      let operation = Operation(
        service: rows.text(1), category: rows.text(2) ?? "", kind: rows.integer(3), name: rows.text(4) ?? "")
      if filter.matches(operation) { operations[rows.integer(0)] = operation }
    }
    return operations
  }
}

extension Bytes {
  /// Lower-case hex digits.
  package var hex: String {
    let digits = Array("0123456789abcdef".utf8)
    return String(decoding: array.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
  }

  /// The bytes of hex digits of either case; nil when they are none.
  init?(hex text: String) {
    let digits = text.utf8.map { Character(UnicodeScalar($0)).hexDigitValue }
    guard digits.count % 2 == 0, digits.allSatisfy({ $0 != nil }) else { return nil }
    let values = digits.compactMap { $0 }
    self.init(stride(from: 0, to: values.count, by: 2).map { UInt8(values[$0] << 4 | values[$0 + 1]) })
  }
}
