// The table `findings`, and where in a service a finding lies.

internal import Bytes
internal import SQLite

/// Adds findings to the rows of the table.
struct FindingTable: ~Copyable {
  /// Rows of one file; further places are left out.
  private static let rowsMax: Int64 = 10_000
  /// Ancestors looked at for the place of a finding.
  private static let ancestorsMax = 16

  private var span: Statement
  private var operation: Statement
  private var add: Statement

  init(_ database: Database) throws(SQLiteError) {
    let span = try database.prepare(
      """
      SELECT kind, name, http_method, http_route, parent_span_id FROM span_rows
      WHERE trace_id = ?1 AND nullif(span_id, x'0000000000000000') = ?2
      """)
    let operation = try database.prepare("SELECT service_name, name FROM operations WHERE id = ?1")
    let add = try database.prepare(
      """
      INSERT INTO findings SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13
      WHERE (SELECT count(*) FROM findings) < \(FindingTable.rowsMax) OR EXISTS (SELECT 1 FROM findings
        WHERE kind = ?1 AND service_name = ?2 AND place = ?3 AND statement = ?4)
      ON CONFLICT DO UPDATE SET traces = traces + excluded.traces, executions = executions + excluded.executions,
        total_ns = min(total_ns + 0.0 + excluded.total_ns, 9e18),
        first_seen_unix_nano = min(first_seen_unix_nano, excluded.first_seen_unix_nano),
        last_seen_unix_nano = max(last_seen_unix_nano, excluded.last_seen_unix_nano),
        worst_trace_id = iif(excluded.worst_ns > worst_ns, excluded.worst_trace_id, worst_trace_id),
        worst_parent_span_id = iif(excluded.worst_ns > worst_ns, excluded.worst_parent_span_id, worst_parent_span_id),
        worst_executions = iif(excluded.worst_ns > worst_ns, excluded.worst_executions, worst_executions),
        worst_ns = max(worst_ns, excluded.worst_ns)
      """)
    self.span = span
    self.operation = operation
    self.add = add
  }

  /// Adds the finding, unless the span it happened in has not arrived yet and may still do so.
  ///
  /// - Returns: whether it was added.
  mutating func add(_ finding: Finding, isLastChance: Bool) throws(SQLiteError) -> Bool {
    guard let place = try place(of: finding.parent) ?? (isLastChance ? "(unknown)" : nil) else { return false }
    operation.bind(finding.statement, at: 1)
    guard try operation.step() else { return true }
    let (service, statement) = (operation.text(0) ?? "", operation.text(1) ?? "")
    operation.reset()
    add.bind(finding.kind.rawValue, at: 1)
    add.bind(service, at: 2)
    add.bind(place, at: 3)
    add.bind(statement, at: 4)
    add.bind(finding.traces, at: 5)
    add.bind(finding.executions, at: 6)
    add.bind(finding.total, at: 7)
    add.bind(bits: finding.first, at: 8)
    add.bind(bits: finding.last, at: 9)
    add.bind(blob: finding.parent.traceID.span, at: 10)
    add.bind(blob: finding.parent.spanID.span, at: 11)
    add.bind(finding.traceExecutions, at: 12)
    add.bind(finding.traceTotal, at: 13)
    try add.run()
    return true
  }

  /// The nearest request or message around a span, or the outermost span that is here; nil when there is none.
  private mutating func place(of span: SpanContext) throws(SQLiteError) -> String? {
    var found: String?
    var next: SpanContext? = span
    for _ in 0..<FindingTable.ancestorsMax {
      guard let current = next else { break }
      self.span.bind(blob: current.traceID.span, at: 1)
      self.span.bind(blob: current.spanID.span, at: 2)
      guard try self.span.step() else { break }
      let (kind, name) = (self.span.integer(0), self.span.text(1) ?? "")
      let (method, route) = (self.span.text(2), self.span.text(3))
      next = self.span.bytes(4).flatMap { current.with(span: $0) }
      self.span.reset()
      found = method.flatMap { method in route.map { "\(method) \($0)" } } ?? name
      if kind == 2 || kind == 5 { break }
    }
    return found
  }
}
