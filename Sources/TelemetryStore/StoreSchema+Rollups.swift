// The part of the first schema that answers without reading spans: what each operation did, minute by minute.

extension StoreSchema {
  // `operations.category`: `route` (what a service answers), `statement` (a database call without its literals),
  // `host` (a call to another service), `operation` (a root span of any other kind).
  // The times are Unix minutes and hours in which spans ended. `histogram` is a `LatencyHistogram`, nanoseconds.
  // `edges` counts the calls of one service by another; they are counted behind the rows, up to `progress`.
  // `findings` has one row per service, place and statement, with the worst trace seen as its evidence.
  static let rollupTables = """
    \(operationTable)
    \(rollup("operation_minutes", time: "minute"))
    \(rollup("operation_hours", time: "hour"))
    \(edgeTable)
    CREATE TABLE findings(
      kind TEXT NOT NULL,
      service_name TEXT NOT NULL,
      place TEXT NOT NULL,
      statement TEXT NOT NULL,
      traces INTEGER NOT NULL,
      executions INTEGER NOT NULL,
      total_ns INTEGER NOT NULL,
      first_seen_unix_nano INTEGER NOT NULL,
      last_seen_unix_nano INTEGER NOT NULL,
      worst_trace_id BLOB NOT NULL,
      worst_parent_span_id BLOB NOT NULL,
      worst_executions INTEGER NOT NULL,
      worst_ns INTEGER NOT NULL,
      PRIMARY KEY (kind, service_name, place, statement)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE progress(
      name TEXT PRIMARY KEY,
      row INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;

    """

  private static let operationTable = """
    CREATE TABLE operations(
      id INTEGER PRIMARY KEY,
      service_name TEXT,
      category TEXT NOT NULL,
      kind INTEGER NOT NULL,
      name TEXT NOT NULL,
      content_hash INTEGER NOT NULL
    ) STRICT;
    CREATE INDEX operations_content ON operations(content_hash);
    """

  private static let edgeTable = """
    CREATE TABLE edges(
      hour INTEGER NOT NULL,
      caller TEXT NOT NULL,
      callee TEXT NOT NULL,
      count INTEGER NOT NULL,
      errors INTEGER NOT NULL,
      PRIMARY KEY (hour, caller, callee)
    ) STRICT, WITHOUT ROWID;
    """

  private static func rollup(_ table: String, time: String) -> String {
    """
    CREATE TABLE \(table)(
      \(time) INTEGER NOT NULL,
      operation_id INTEGER NOT NULL REFERENCES operations(id),
      count INTEGER NOT NULL,
      errors INTEGER NOT NULL,
      client_errors INTEGER NOT NULL,
      sum_ns INTEGER NOT NULL,
      max_ns INTEGER NOT NULL,
      slowest_trace_id BLOB,
      histogram BLOB NOT NULL,
      PRIMARY KEY (\(time), operation_id)
    ) STRICT, WITHOUT ROWID;
    """
  }

  // The history of deleted days has their hours, in tables of the same columns; `days` tells whose.
  static let historyTables = """
    CREATE TABLE days(
      day TEXT PRIMARY KEY,
      copied_unix_nano INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    \(positionTable)
    \(operationTable)
    \(rollup("operation_hours", time: "hour"))
    \(edgeTable)
    """
}
