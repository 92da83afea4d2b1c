// What has come in since the last look.

internal import OTLP
internal import SQLite

/// How far a reader has read.
package struct TailPosition: Sendable, Equatable {
  let day: Day
  let lastSpan: Int64
  let lastLog: Int64
}

/// What was stored behind a position.
package struct TailPart: Sendable {
  /// In the order in which they were stored.
  package let spans: [StoredSpan]
  package let logs: [StoredLog]
  /// Where to go on; nil when there is no file yet.
  package let position: TailPosition?
  /// There is more behind the position already.
  package let isCut: Bool
}

extension StoreReader {
  /// Rows of each kind that one look takes.
  private static let tailMax = 1000

  /// The end of what is stored now; nil when there is no file yet.
  package func tailEnd() throws(QueryError) -> TailPosition? {
    let session = try session(.traces, nil)
    guard let newest = session.files.first?.day else { return nil }
    let ends = try session.ask { (file) throws(SQLiteError) -> TailPosition? in
      guard file.day == newest else { return nil }
      let span = try file.database.value("SELECT max(id) FROM span_rows").integer ?? 0
      let log = try file.database.value("SELECT max(id) FROM log_rows").integer ?? 0
      return TailPosition(day: file.day, lastSpan: span, lastLog: log)
    }
    return ends.compactMap { $0 }.first
  }

  /// The rows behind a position; with none, those of all files.
  package func tail(after position: TailPosition?) throws(QueryError) -> TailPart {
    let session = try session(.traces, nil)
    // Files that are older than the position cannot grow any more.
    let days = session.files.map(\.day).filter { position == nil || $0 >= position!.day }.sorted()
    guard let day = days.first else { return TailPart(spans: [], logs: [], position: position, isCut: false) }
    let start = day == position?.day ? position : nil
    let parts = try session.ask { (file) throws(SQLiteError) -> TailPart? in
      file.day == day ? try Self.part(file, after: start) : nil
    }
    guard let part = parts.compactMap({ $0 }).first else {
      return TailPart(spans: [], logs: [], position: position, isCut: false)
    }
    // A day that is read to its end is left for the next one.
    guard !part.isCut, days.count > 1 else { return part }
    let next = TailPosition(day: days[1], lastSpan: 0, lastLog: 0)
    return TailPart(spans: part.spans, logs: part.logs, position: next, isCut: true)
  }

  private static func part(
    _ file: QuerySession.OpenFile, after position: TailPosition?
  ) throws(SQLiteError) -> TailPart {
    var (lastSpan, lastLog) = (position?.lastSpan ?? 0, position?.lastLog ?? 0)
    var spanRows = try file.database.prepare(
      "\(storedSpans) WHERE span_rows.id > ?1 ORDER BY span_rows.id LIMIT \(tailMax)")
    spanRows.bind(lastSpan, at: 1)
    var spans: [StoredSpan] = []
    while try spanRows.step() {
      spans.append(StoredSpan(spanRows))
      lastSpan = spanRows.integer(18)
    }
    var logRows = try file.database.prepare(
      """
      SELECT coalesce(nullif(time_unix_nano, 0), observed_time_unix_nano), \(StoredLog.columns)
      FROM log_rows LEFT JOIN resources ON resources.id = resource_id
      WHERE log_rows.id > ?1 ORDER BY log_rows.id LIMIT \(tailMax)
      """)
    logRows.bind(lastLog, at: 1)
    var logs: [StoredLog] = []
    while try logRows.step() {
      logs.append(StoredLog(logRows, day: file.day.number))
      lastLog = logRows.integer(1)
    }
    return TailPart(
      spans: spans, logs: logs, position: TailPosition(day: file.day, lastSpan: lastSpan, lastLog: lastLog),
      isCut: spans.count == tailMax || logs.count == tailMax)
  }
}
