// Counts which service calls which, behind the rows, when both sides of a call have arrived.

internal import SQLite
internal import System

/// Joins the spans of calls with their parents, once for each row, some seconds after it was inserted.
///
/// The two sides of a call come in different requests, in any order. So rows are left alone for a while, and then each
/// is looked at once: the row up to which that is done is stored in the same transaction as the counts.
struct EdgeCounter: ~Copyable {
  /// How long the other side of a call may take to arrive.
  static let delay = Duration.seconds(10)
  /// Rows looked at in one transaction.
  private static let rowsMax: Int64 = 50_000

  private var count: Statement
  private var advance: Statement
  /// Rows up to this one are counted.
  private var counted: Int64
  /// The newest row at some times, oldest first, at least `delay` apart.
  private var marks: [(row: Int64, time: Instant)] = []

  init(_ database: Database) throws(SQLiteError) {
    let count = try database.prepare(
      """
      INSERT INTO edges(hour, caller, callee, count, errors)
        SELECT callee.end_time_unix_nano / 3600000000000, caller.service_name, callee.service_name, count(*),
          sum(callee.status_code = 2)
        FROM span_rows AS callee JOIN span_rows AS caller
          ON caller.trace_id = callee.trace_id
          AND nullif(caller.span_id, x'0000000000000000') = callee.parent_span_id
        WHERE callee.id > ?1 AND callee.id <= ?2 AND callee.kind IN (2, 5)
          AND caller.service_name <> callee.service_name
        GROUP BY 1, 2, 3
      ON CONFLICT DO UPDATE SET count = count + excluded.count, errors = errors + excluded.errors
      """)
    let advance = try database.prepare(
      "INSERT INTO progress(name, row) VALUES ('edges', ?1) ON CONFLICT DO UPDATE SET row = excluded.row")
    let newest = try database.value("SELECT max(id) FROM span_rows").integer ?? 0
    counted = try database.value("SELECT row FROM progress WHERE name = 'edges'").integer ?? 0
    self.count = count
    self.advance = advance
    // What lies here already came long ago.
    marks = [(newest, Instant(nanoseconds: 0))]
  }

  /// Counts what is old enough, inside the caller's transaction.
  ///
  /// - Parameter newest: the row inserted last.
  mutating func count(through newest: Int64, at now: Instant) throws(SQLiteError) {
    if marks.last.map({ now >= $0.time + EdgeCounter.delay }) ?? true { marks.append((newest, now)) }
    guard let mark = marks.first, now >= mark.time + EdgeCounter.delay else { return }
    let end = min(mark.row, counted + EdgeCounter.rowsMax)
    if end > counted { try count(through: end) }
    if counted >= mark.row { marks.removeFirst() }
  }

  /// Counts what is left of a file that is closed, however young, in transactions of their own.
  static func finish(_ database: Database) throws(SQLiteError) {
    var counter = try EdgeCounter(database)
    guard let newest = counter.marks.first?.row else { return }
    while counter.counted < newest {
      try database.transaction { () throws(SQLiteError) in
        try counter.count(through: min(newest, counter.counted + rowsMax))
      }
    }
  }

  private mutating func count(through end: Int64) throws(SQLiteError) {
    count.bind(counted, at: 1)
    count.bind(end, at: 2)
    try count.run()
    advance.bind(end, at: 1)
    try advance.run()
    counted = end
  }
}
