// The first schema: tables, indexes and views, made to be pleasant in the plain `sqlite3` shell.

extension StoreSchema {
  // What a client did not send is NULL when it is text, an id or a list, and 0 when it is a number, as in OTLP.
  // Enums are OTLP's numbers with a readable column beside them in the view.
  // Unsigned 64-bit numbers keep their bits: those from 2^63 on read as negative.
  static let version1 =
    commonTables + spanTables + logTables + metricTables + rollupTables

  /// The date and time of a column of Unix nanoseconds, to the millisecond.
  private static func time(_ column: String) -> String {
    "strftime('%Y-%m-%d %H:%M:%f', \(column) / 1e9, 'unixepoch')"
  }

  static let positionTable = """
    CREATE TABLE positions(
      journal TEXT NOT NULL,
      signal TEXT NOT NULL,
      sequence INTEGER NOT NULL,
      updated_unix_nano INTEGER NOT NULL,
      PRIMARY KEY (journal, signal)
    ) STRICT, WITHOUT ROWID;
    """

  private static let commonTables = """
    \(positionTable)
    CREATE TABLE time_ranges(
      table_name TEXT PRIMARY KEY,
      min_time_unix_nano INTEGER,
      max_time_unix_nano INTEGER,
      row_count INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE resources(
      id INTEGER PRIMARY KEY,
      service_name TEXT,
      attributes TEXT,
      dropped_attributes_count INTEGER NOT NULL,
      entity_refs TEXT,
      schema_url TEXT,
      content_hash INTEGER NOT NULL
    ) STRICT;
    CREATE INDEX resources_content ON resources(content_hash);

    CREATE TABLE scopes(
      id INTEGER PRIMARY KEY,
      name TEXT,
      version TEXT,
      attributes TEXT,
      dropped_attributes_count INTEGER NOT NULL,
      schema_url TEXT,
      content_hash INTEGER NOT NULL
    ) STRICT;
    CREATE INDEX scopes_content ON scopes(content_hash);

    """

  // `span_rows` keeps the ids as bytes, 75 bytes a span less than hex and a tenth faster to insert; the view `spans`
  // shows them as hex. `trace` and `span` are the bytes, by which the index finds a row.
  // `duration_ms`: a negative integer is a time from 2^63 on, so one more 2^64 lies between it and a positive one.
  // SQLite computes every generated column of a row that it inserts, so the readable ones are the view's.
  // `span_identity`: NULLs are distinct, so only spans with both ids are unique; an id of zeros is none (trace.proto:
  // "An ID with all zeroes … is considered invalid").
  private static let spanTables = """
    CREATE TABLE span_rows(
      id INTEGER PRIMARY KEY,
      trace_id BLOB,
      span_id BLOB,
      parent_span_id BLOB,
      name TEXT,
      kind INTEGER NOT NULL,
      service_name TEXT,
      start_time_unix_nano INTEGER NOT NULL,
      end_time_unix_nano INTEGER NOT NULL,
      duration_ms REAL GENERATED ALWAYS AS (CASE WHEN start_time_unix_nano = 0 OR end_time_unix_nano = 0 THEN NULL
        ELSE (end_time_unix_nano - start_time_unix_nano) / 1e6
        + ((end_time_unix_nano < 0) - (start_time_unix_nano < 0)) * 18446744073709.551616 END) VIRTUAL,
      status_code INTEGER NOT NULL,
      status_message TEXT,
      http_method TEXT,
      http_route TEXT,
      http_status_code INTEGER,
      attributes TEXT,
      events TEXT,
      links TEXT,
      trace_state TEXT,
      flags INTEGER NOT NULL,
      dropped_attributes_count INTEGER NOT NULL,
      dropped_events_count INTEGER NOT NULL,
      dropped_links_count INTEGER NOT NULL,
      resource_id INTEGER NOT NULL REFERENCES resources(id),
      scope_id INTEGER NOT NULL REFERENCES scopes(id)
    ) STRICT;
    CREATE UNIQUE INDEX span_identity ON span_rows(trace_id, nullif(span_id, x'0000000000000000'), kind);
    CREATE INDEX span_entries ON span_rows(service_name, start_time_unix_nano)
      WHERE kind IN (2, 5) OR parent_span_id IS NULL;
    CREATE INDEX span_routes ON span_rows(http_route, start_time_unix_nano, duration_ms) WHERE http_route IS NOT NULL;
    CREATE INDEX span_errors ON span_rows(start_time_unix_nano) WHERE status_code = 2;

    CREATE VIEW spans AS
      SELECT id, nullif(lower(hex(trace_id)), '') AS trace_id, nullif(lower(hex(span_id)), '') AS span_id,
        nullif(lower(hex(parent_span_id)), '') AS parent_span_id, name, kind,
        CASE kind WHEN 0 THEN 'unspecified' WHEN 1 THEN 'internal' WHEN 2 THEN 'server' WHEN 3 THEN 'client'
          WHEN 4 THEN 'producer' WHEN 5 THEN 'consumer' ELSE CAST(kind AS TEXT) END AS kind_name,
        service_name, start_time_unix_nano, end_time_unix_nano, \(time("start_time_unix_nano")) AS start_time,
        duration_ms, status_code,
        CASE status_code WHEN 0 THEN 'unset' WHEN 1 THEN 'ok' WHEN 2 THEN 'error'
          ELSE CAST(status_code AS TEXT) END AS status,
        status_message, http_method, http_route, http_status_code, attributes, events, links, trace_state, flags,
        dropped_attributes_count, dropped_events_count, dropped_links_count, resource_id, scope_id,
        trace_id AS trace, span_id AS span, parent_span_id AS parent_span
      FROM span_rows;

    """

  // `body`: a text body as it is, any other value as flat JSON with `body_is_json` 1.
  private static let logTables = """
    CREATE TABLE log_rows(
      id INTEGER PRIMARY KEY,
      time_unix_nano INTEGER NOT NULL,
      observed_time_unix_nano INTEGER NOT NULL,
      severity_number INTEGER NOT NULL,
      severity_text TEXT,
      service_name TEXT,
      event_name TEXT,
      body TEXT,
      body_is_json INTEGER NOT NULL,
      trace_id BLOB,
      span_id BLOB,
      attributes TEXT,
      flags INTEGER NOT NULL,
      dropped_attributes_count INTEGER NOT NULL,
      resource_id INTEGER NOT NULL REFERENCES resources(id),
      scope_id INTEGER NOT NULL REFERENCES scopes(id)
    ) STRICT;
    CREATE INDEX log_services ON log_rows(service_name, time_unix_nano);
    CREATE INDEX log_traces ON log_rows(trace_id) WHERE trace_id IS NOT NULL;
    CREATE INDEX log_errors ON log_rows(time_unix_nano) WHERE severity_number >= 17;
    CREATE VIRTUAL TABLE log_text USING fts5(body, content = 'log_rows', content_rowid = 'id');

    CREATE VIEW logs AS
      SELECT id, time_unix_nano, observed_time_unix_nano,
        \(time("coalesce(nullif(time_unix_nano, 0), observed_time_unix_nano)")) AS time,
        severity_number, severity_text, service_name, event_name, body, body_is_json,
        nullif(lower(hex(trace_id)), '') AS trace_id, nullif(lower(hex(span_id)), '') AS span_id, attributes, flags,
        dropped_attributes_count, resource_id, scope_id, trace_id AS trace, span_id AS span
      FROM log_rows;

    """

  // `points.nan` names the columns whose value is NaN, which SQLite can only keep as NULL.
  private static let metricTables = """
    CREATE TABLE metrics(
      id INTEGER PRIMARY KEY,
      name TEXT,
      description TEXT,
      unit TEXT,
      type TEXT,
      aggregation_temporality INTEGER,
      temporality TEXT GENERATED ALWAYS AS (CASE aggregation_temporality WHEN 0 THEN 'unspecified' WHEN 1 THEN 'delta'
        WHEN 2 THEN 'cumulative' ELSE CAST(aggregation_temporality AS TEXT) END) VIRTUAL,
      is_monotonic INTEGER,
      metadata TEXT,
      content_hash INTEGER NOT NULL
    ) STRICT;
    CREATE INDEX metrics_content ON metrics(content_hash);
    CREATE INDEX metrics_name ON metrics(name);

    CREATE TABLE series(
      id INTEGER PRIMARY KEY,
      metric_id INTEGER NOT NULL REFERENCES metrics(id),
      resource_id INTEGER NOT NULL REFERENCES resources(id),
      scope_id INTEGER NOT NULL REFERENCES scopes(id),
      service_name TEXT,
      attributes TEXT,
      content_hash INTEGER NOT NULL
    ) STRICT;
    CREATE INDEX series_content ON series(content_hash);
    CREATE INDEX series_metric ON series(metric_id);

    CREATE TABLE points(
      id INTEGER PRIMARY KEY,
      series_id INTEGER NOT NULL REFERENCES series(id),
      start_time_unix_nano INTEGER NOT NULL,
      time_unix_nano INTEGER NOT NULL,
      flags INTEGER NOT NULL,
      value_int INTEGER,
      value_double REAL,
      count INTEGER,
      sum REAL,
      min REAL,
      max REAL,
      bucket_counts TEXT,
      explicit_bounds TEXT,
      scale INTEGER,
      zero_count INTEGER,
      zero_threshold REAL,
      positive_offset INTEGER,
      positive_bucket_counts TEXT,
      negative_offset INTEGER,
      negative_bucket_counts TEXT,
      quantile_values TEXT,
      exemplars TEXT,
      nan TEXT
    ) STRICT;
    CREATE INDEX points_series ON points(series_id, time_unix_nano);

    CREATE VIEW metric_points AS
      SELECT metrics.name, metrics.type, metrics.unit, series.service_name,
        \(time("points.time_unix_nano")) AS time, coalesce(points.value_double, points.value_int) AS value,
        series.attributes, points.count, points.sum, points.min, points.max, points.bucket_counts,
        points.explicit_bounds, points.scale, points.zero_count, points.zero_threshold, points.positive_offset,
        points.positive_bucket_counts, points.negative_offset, points.negative_bucket_counts,
        points.quantile_values, points.exemplars, points.value_int, points.value_double, points.nan, points.flags,
        points.start_time_unix_nano, points.time_unix_nano, metrics.description, metrics.temporality,
        metrics.aggregation_temporality, metrics.is_monotonic, metrics.metadata, points.id, points.series_id,
        series.metric_id, series.resource_id, series.scope_id
      FROM points JOIN series ON series.id = points.series_id JOIN metrics ON metrics.id = series.metric_id;
    """
}
