// Spans as rows of the table `span_rows`.

internal import Bytes
internal import OTLP
internal import SQLite

/// The columns that are written, as parameters of the INSERT.
enum SpanColumn: Int32, CaseIterable {
  case traceID = 1
  case spanID, parentSpanID, traceState, flags, name, kind, serviceName, start, end, statusCode
  case statusMessage, httpMethod, httpRoute, httpStatusCode, attributes, droppedAttributes, events, droppedEvents
  case links, droppedLinks, resourceID, scopeID

  static func prepareInsert(in database: Database) throws(SQLiteError) -> Statement {
    let names = [
      "trace_id", "span_id", "parent_span_id", "trace_state", "flags", "name", "kind", "service_name",
      "start_time_unix_nano", "end_time_unix_nano", "status_code", "status_message", "http_method", "http_route",
      "http_status_code", "attributes", "dropped_attributes_count", "events", "dropped_events_count", "links",
      "dropped_links_count", "resource_id", "scope_id",
    ]
    precondition(names.count == allCases.count, "every column that is bound has a name")
    return try Statement.insert(into: "span_rows", names, in: database)
  }
}

extension RowWriter {
  mutating func insert(_ span: SpanView, into written: inout Written) throws(SQLiteError) {
    spans.bind(present: span.traceID, at: SpanColumn.traceID.rawValue)
    spans.bind(present: span.spanID, at: SpanColumn.spanID.rawValue)
    spans.bind(present: span.parentSpanID, at: SpanColumn.parentSpanID.rawValue)
    spans.bind(present: span.traceState, at: SpanColumn.traceState.rawValue)
    spans.bind(Int64(span.flags), at: SpanColumn.flags.rawValue)
    spans.bind(present: span.name, at: SpanColumn.name.rawValue)
    spans.bind(Int64(span.kind), at: SpanColumn.kind.rawValue)
    spans.bind(present: serviceName, at: SpanColumn.serviceName.rawValue)
    spans.bind(bits: span.startTimeUnixNano, at: SpanColumn.start.rawValue)
    spans.bind(bits: span.endTimeUnixNano, at: SpanColumn.end.rawValue)
    bind(span.hasStatus, span.status)
    traits.read(span.attributes)
    RowWriter.bindHTTP(traits, &spans)
    spans.bind(present: span.attributes, at: SpanColumn.attributes.rawValue)
    spans.bind(Int64(span.droppedAttributesCount), at: SpanColumn.droppedAttributes.rawValue)
    spans.bind(present: span.events, at: SpanColumn.events.rawValue)
    spans.bind(Int64(span.droppedEventsCount), at: SpanColumn.droppedEvents.rawValue)
    spans.bind(present: span.links, at: SpanColumn.links.rawValue)
    spans.bind(Int64(span.droppedLinksCount), at: SpanColumn.droppedLinks.rawValue)
    spans.bind(resourceID, at: SpanColumn.resourceID.rawValue)
    spans.bind(scopeID, at: SpanColumn.scopeID.rawValue)
    try spans.run()
    if database.changes == 0 {
      written.duplicates += 1
      return
    }
    newestSpan = database.lastInsertedRow
    if let operation = try operations.id(of: span, traits, service: serviceName, in: database) {
      rollups.count(span, statusCode: traits.statusCode, operation: operation.id)
      if operation.category == .statement { findings.note(span, statement: operation.id) }
    }
    written.range.rowCount += 1
    written.range.include(span.startTimeUnixNano)
    written.range.include(span.endTimeUnixNano)
  }

  /// A status that was sent without a message has an empty one, so that an absent status can be told from it.
  private mutating func bind(_ isPresent: Bool, _ status: SpanStatusView) {
    spans.bind(Int64(status.code), at: SpanColumn.statusCode.rawValue)
    if isPresent { spans.bind(text: status.text.span, at: SpanColumn.statusMessage.rawValue) }
  }

  private static func bindHTTP(_ traits: borrowing SpanTraits, _ spans: inout Statement) {
    if !traits.method.isEmpty { spans.bind(text: traits.method.span, at: SpanColumn.httpMethod.rawValue) }
    if !traits.route.isEmpty { spans.bind(text: traits.route.span, at: SpanColumn.httpRoute.rawValue) }
    if let code = traits.statusCode { spans.bind(code, at: SpanColumn.httpStatusCode.rawValue) }
  }
}
