// One table of roll-ups: what each operation did in each minute, or each hour.

internal import Bytes
internal import OTLP
internal import SQLite

/// What one operation did in one period.
struct Rollup {
  var count: Int64 = 0
  /// Status code `error`, or an HTTP status from 500 on.
  var errors: Int64 = 0
  /// HTTP status 400 … 499.
  var clientErrors: Int64 = 0
  var sum: Int64 = 0
  var max: Int64 = 0
  /// Of the longest span; empty when it has none.
  var slowestTraceID = Bytes()
  var histogram = LatencyHistogram()

  mutating func merge(_ other: Rollup) {
    count += other.count
    errors += other.errors
    clientErrors += other.clientErrors
    sum = sum.addingReportingOverflow(other.sum).overflow ? .max : sum + other.sum
    if other.max > max || count == other.count {
      max = other.max
      slowestTraceID = other.slowestTraceID
    }
    histogram.merge(other.histogram)
  }
}

extension Rollup {
  /// Reads `RollupTable.columns` of a row, from a column on.
  init(_ row: borrowing Statement, from first: Int32 = 0) {
    count = row.integer(first)
    errors = row.integer(first + 1)
    clientErrors = row.integer(first + 2)
    sum = row.integer(first + 3)
    max = row.integer(first + 4)
    slowestTraceID = row.bytes(first + 5) ?? Bytes()
    histogram = row.bytes(first + 6).flatMap { LatencyHistogram($0) } ?? LatencyHistogram()
  }
}

/// The period and the operation that a roll-up is of.
struct RollupKey: Hashable {
  /// Unix minutes or hours.
  let time: Int64
  let operation: Int64
}

/// Adds roll-ups to the rows of a table.
struct RollupTable: ~Copyable {
  static let columns = "count, errors, client_errors, sum_ns, max_ns, slowest_trace_id, histogram"

  private var find: Statement
  private var replace: Statement
  private var blob = ByteBuffer(capacity: 1024)

  /// - Parameter time: the column with the period.
  init(_ table: String, time: String, in database: Database) throws(SQLiteError) {
    let find = try database.prepare(
      """
      SELECT \(RollupTable.columns) FROM \(table) WHERE \(time) = ?1 AND operation_id = ?2
      """)
    let replace = try database.prepare(
      """
      INSERT OR REPLACE INTO \(table)(\(time), operation_id, \(RollupTable.columns))
      VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
      """)
    self.find = find
    self.replace = replace
  }

  mutating func add(_ rollup: Rollup, to key: RollupKey) throws(SQLiteError) {
    var sum = try stored(key)
    sum.merge(rollup)
    replace.bind(key.time, at: 1)
    replace.bind(key.operation, at: 2)
    replace.bind(sum.count, at: 3)
    replace.bind(sum.errors, at: 4)
    replace.bind(sum.clientErrors, at: 5)
    replace.bind(sum.sum, at: 6)
    replace.bind(sum.max, at: 7)
    if !sum.slowestTraceID.isEmpty { replace.bind(blob: sum.slowestTraceID.span, at: 8) }
    blob.removeAll()
    sum.histogram.append(to: &blob)
    RollupTable.bind(blob, &replace)
    try replace.run()
  }

  private static func bind(_ blob: borrowing ByteBuffer, _ statement: inout Statement) {
    statement.bind(blob: blob.span, at: 9)
  }

  private mutating func stored(_ key: RollupKey) throws(SQLiteError) -> Rollup {
    find.bind(key.time, at: 1)
    find.bind(key.operation, at: 2)
    guard try find.step() else { return Rollup() }
    let rollup = Rollup(find)
    find.reset()
    return rollup
  }
}
