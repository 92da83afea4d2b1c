// All spans of one trace, in the order of its tree.

package import Bytes
internal import OTLP
internal import SQLite

/// A span as it is stored. The JSON columns are flat JSON, nil when the client sent none.
package struct StoredSpan: Sendable {
  /// Hex, like all ids here.
  package let traceID: String
  package let spanID: String?
  package let parentSpanID: String?
  package let name: String
  package let kind: Int64
  package let service: String?
  /// Unix nanoseconds.
  package let start: Int64
  package let end: Int64
  package let statusCode: Int64
  package let statusMessage: String?
  package let attributes: Bytes?
  package let events: Bytes?
  package let links: Bytes?
  package let traceState: String?
  package let flags: Int64
  package let resource: Bytes?
  package let scopeName: String?
  package let scopeVersion: String?
  package let scopeAttributes: Bytes?
  package let scopeSchemaURL: String?
  package let resourceSchemaURL: String?
  /// What the client dropped before it sent the span, its resource or its scope.
  package let droppedAttributes: Int64
  package let droppedEvents: Int64
  package let droppedLinks: Int64
  package let resourceDroppedAttributes: Int64
  package let scopeDroppedAttributes: Int64
  /// How many of its ancestors are here.
  package fileprivate(set) var depth = 0

  /// Nanoseconds; 0 when the span ends before it starts.
  package var duration: Int64 { max(0, end.subtractingReportingOverflow(start).partialValue) }

  init(_ row: borrowing Statement) {
    traceID = row.bytes(0)?.hex ?? ""
    spanID = row.bytes(1)?.hex
    parentSpanID = row.bytes(2)?.hex
    name = row.text(3) ?? ""
    kind = row.integer(4)
    service = row.text(5)
    start = row.integer(6)
    end = row.integer(7)
    statusCode = row.integer(8)
    statusMessage = row.text(9).flatMap { $0.isEmpty ? nil : $0 }
    attributes = row.bytes(10)
    events = row.bytes(11)
    links = row.bytes(12)
    traceState = row.text(13)
    flags = row.integer(14)
    resource = row.bytes(15)
    scopeName = row.text(16)
    scopeVersion = row.text(17)
    scopeAttributes = row.bytes(19)
    scopeSchemaURL = row.text(20)
    resourceSchemaURL = row.text(21)
    droppedAttributes = row.integer(22)
    droppedEvents = row.integer(23)
    droppedLinks = row.integer(24)
    resourceDroppedAttributes = row.integer(25)
    scopeDroppedAttributes = row.integer(26)
  }
}

/// A trace: its spans in tree order, parents before their children, siblings by their start.
package struct StoredTrace: Sendable {
  package let spans: [StoredSpan]
  /// There were more than `StoreReader.spansMax`.
  package let isCut: Bool
}

/// The id of a trace, as people give it.
package struct TraceID: Sendable, Hashable {
  package let bytes: Bytes

  /// Up to 32 hex digits; leading zeros may be missing.
  package init?(_ text: String) {
    guard !text.isEmpty, text.utf8.count <= 32 else { return nil }
    guard let bytes = Bytes(hex: String(repeating: "0", count: 32 - text.utf8.count) + text) else { return nil }
    self.bytes = bytes
  }

  package static func == (left: TraceID, right: TraceID) -> Bool { left.bytes == right.bytes }
  package func hash(into hasher: inout Hasher) { hasher.combine(bytes.array) }
}

extension StoreReader {
  /// Spans of one trace that are read.
  package static let spansMax = 50_000

  /// All spans of a trace in all files; none when the store does not have it.
  package func trace(_ id: TraceID) throws(QueryError) -> Answer<StoredTrace> {
    let answer = try traces([id])
    return Answer(value: answer.value[0], skipped: answer.skipped)
  }

  /// The same for several traces, in the order of the ids.
  package func traces(_ ids: [TraceID]) throws(QueryError) -> Answer<[StoredTrace]> {
    let session = try session(.traces, nil)
    let parts = try session.ask { (file) throws(SQLiteError) in try Self.spans(of: ids, file.database) }
    let traces = ids.indices.map { index in
      let spans = parts.flatMap { $0[index] }
      return StoredTrace(
        spans: SpanTree.ordered(Array(spans.prefix(StoreReader.spansMax))), isCut: spans.count > StoreReader.spansMax)
    }
    return session.answer(traces)
  }

  /// What finds the spans, for the test of its plan too.
  package static let traceStatement = "\(storedSpans) WHERE trace_id = ?1 LIMIT \(spansMax + 1)"

  /// The columns that a `StoredSpan` reads.
  static let storedSpans = """
    SELECT trace_id, span_id, parent_span_id, span_rows.name, kind, span_rows.service_name, start_time_unix_nano,
      end_time_unix_nano, status_code, status_message, span_rows.attributes, events, links, trace_state, flags,
      resources.attributes, scopes.name, scopes.version, span_rows.id, scopes.attributes, scopes.schema_url,
      resources.schema_url, span_rows.dropped_attributes_count, dropped_events_count, dropped_links_count,
      resources.dropped_attributes_count, scopes.dropped_attributes_count
    FROM span_rows LEFT JOIN resources ON resources.id = resource_id LEFT JOIN scopes ON scopes.id = scope_id
    """

  private static func spans(of ids: [TraceID], _ database: Database) throws(SQLiteError) -> [[StoredSpan]] {
    var rows = try database.prepare(traceStatement)
    var traces: [[StoredSpan]] = []
    for id in ids {
      var spans: [StoredSpan] = []
      rows.bind(blob: id.bytes.span, at: 1)
      while try rows.step() { spans.append(StoredSpan(rows)) }
      traces.append(spans)
    }
    return traces
  }
}

/// Puts spans into the order of their tree.
enum SpanTree {
  static func ordered(_ spans: [StoredSpan]) -> [StoredSpan] {
    var spans = spans.sorted { ($0.start, $1.end) < ($1.start, $0.end) }
    let ids = Set(spans.compactMap(\.spanID))
    var children: [String: [Int]] = [:]
    var roots: [Int] = []
    for (index, span) in spans.enumerated() {
      if let parent = span.parentSpanID, parent != span.spanID, ids.contains(parent) {
        children[parent, default: []].append(index)
      } else {
        roots.append(index)
      }
    }
    var order: [Int] = []
    var placed = [Bool](repeating: false, count: spans.count)
    // A ring of parents has no root: its earliest span is taken for one.
    for root in roots + Array(spans.indices) where !placed[root] {
      var stack = [(index: root, depth: 0)]
      while let (index, depth) = stack.popLast() {
        if placed[index] { continue }
        placed[index] = true
        spans[index].depth = depth
        order.append(index)
        guard let id = spans[index].spanID else { continue }
        for child in (children[id] ?? []).reversed() where !placed[child] { stack.append((child, depth + 1)) }
      }
    }
    return order.map { spans[$0] }
  }
}
