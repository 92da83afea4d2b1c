// Spans as rows of the table `spans`.

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
    return try Statement.insert(into: "spans", names, in: database)
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
    bindHTTP(span.attributes)
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
    written.range.rowCount += 1
    written.range.include(span.startTimeUnixNano)
    written.range.include(span.endTimeUnixNano)
  }

  /// A status that was sent without a message has an empty one, so that an absent status can be told from it.
  private mutating func bind(_ isPresent: Bool, _ status: SpanStatusView) {
    spans.bind(Int64(status.code), at: SpanColumn.statusCode.rawValue)
    if isPresent { spans.bind(text: status.text.span, at: SpanColumn.statusMessage.rawValue) }
  }

  /// The columns for HTTP, by the stable semantic conventions and, where those are absent, by the older ones.
  private mutating func bindHTTP(_ attributes: AttributesView) {
    var isStable = (method: false, statusCode: false)
    var seen = (route: false, method: false, statusCode: false)
    attributes.forEach { key, value in
      // The lengths of the five keys differ, which spares comparing most keys.
      switch key.count {
      case 10 where key == "http.route":
        guard !seen.route, let route = value.text, !route.isEmpty else { return }
        spans.bind(text: route.span, at: SpanColumn.httpRoute.rawValue)
        seen.route = true
      case 19 where key == "http.request.method", 11 where key == "http.method":
        let isCurrent = key.count == 19
        guard !isStable.method, isCurrent || !seen.method, let method = value.text, !method.isEmpty else { return }
        spans.bind(text: method.span, at: SpanColumn.httpMethod.rawValue)
        seen.method = true
        isStable.method = isCurrent
      case 25 where key == "http.response.status_code", 16 where key == "http.status_code":
        let isCurrent = key.count == 25
        guard !isStable.statusCode, isCurrent || !seen.statusCode, let code = value.statusCode else { return }
        spans.bind(code, at: SpanColumn.httpStatusCode.rawValue)
        seen.statusCode = true
        isStable.statusCode = isCurrent
      default: return
      }
    }
  }
}

extension AnyValueView {
  /// An HTTP status code; some clients write it as text.
  fileprivate var statusCode: Int64? {
    if let text, text.count <= 3 { return Int64(text.string) }
    return int
  }
}
