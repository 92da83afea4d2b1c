// Where each field of each OTLP message lies in a day file: the table that the coverage and round-trip tests hold true.

import OTLP

/// The place of a field.
enum Place: Equatable {
  /// A column of a table; a list is JSON text there.
  case column(String, String)
  /// The body of a log record: text, or JSON when `body_is_json` is 1.
  case body
  /// A message whose fields have columns of their own in this table; it was sent when the given one is not NULL.
  case columns(String, presence: String)
  /// A member of the objects in one or several JSON columns.
  case member(String)
  /// The value, key or element itself in flat JSON.
  case json
  /// Not data but structure: rows, or which kind of row.
  case rows
}

extension Place {
  /// The place of a field, by the message and the name in the .proto file's JSON form; nil when it has none.
  static func of(_ field: Field, in kind: MessageKind) -> Place? {
    let name = field.name.description
    switch kind {
    case .tracesRequest, .metricsRequest, .logsRequest, .gauge, .summary: return .rows
    case .resourceSpans, .resourceMetrics, .resourceLogs:
      return name == "schemaUrl" ? .column("resources", "schema_url") : .rows
    case .scopeSpans, .scopeMetrics, .scopeLogs: return name == "schemaUrl" ? .column("scopes", "schema_url") : .rows
    case .resource: return resource[name].map { .column("resources", $0) }
    case .scope: return scope[name].map { .column("scopes", $0) }
    case .span where name == "status": return .columns("spans", presence: "status_message")
    case .span: return span[name].map { .column("spans", $0) }
    case .spanStatus: return ["message": "status_message", "code": "status_code"][name].map { .column("spans", $0) }
    case .logRecord: return name == "body" ? .body : log[name].map { .column("logs", $0) }
    case .metric: return metric[name].map { .column("metrics", $0) } ?? .rows
    case .sum, .histogram, .exponentialHistogram:
      return name == "dataPoints" ? .rows : data[name].map { .column("metrics", $0) }
    case .numberDataPoint, .histogramDataPoint, .exponentialHistogramDataPoint, .summaryDataPoint:
      switch name {
      case "attributes": return .column("series", "attributes")
      case "positive": return .columns("points", presence: "positive_offset")
      case "negative": return .columns("points", presence: "negative_offset")
      default: return point[name].map { .column("points", $0) }
      }
    // In the columns positive_… and negative_…
    case .buckets: return ["offset": Place.member("offset"), "bucketCounts": .member("bucket_counts")][name]
    case .spanEvent: return event[name].map { .member($0) }
    case .spanLink: return link[name].map { .member($0) }
    case .exemplar: return exemplar[name].map { .member($0) }
    case .valueAtQuantile: return ["quantile", "value"].contains(name) ? .member(name) : nil
    case .entityRef: return entityRef[name].map { .member($0) }
    case .keyValue: return ["key", "value"].contains(name) ? .json : nil
    case .anyValue: return value.contains(name) ? .json : nil
    case .arrayValue, .keyValueList: return name == "values" ? .json : nil
    }
  }

  private static let resource = [
    "attributes": "attributes", "droppedAttributesCount": "dropped_attributes_count", "entityRefs": "entity_refs",
  ]
  private static let scope = [
    "name": "name", "version": "version", "attributes": "attributes",
    "droppedAttributesCount": "dropped_attributes_count",
  ]
  private static let span = [
    "traceId": "trace_id", "spanId": "span_id", "traceState": "trace_state", "parentSpanId": "parent_span_id",
    "flags": "flags", "name": "name", "kind": "kind", "startTimeUnixNano": "start_time_unix_nano",
    "endTimeUnixNano": "end_time_unix_nano", "attributes": "attributes",
    "droppedAttributesCount": "dropped_attributes_count", "events": "events",
    "droppedEventsCount": "dropped_events_count", "links": "links", "droppedLinksCount": "dropped_links_count",
  ]
  private static let log = [
    "timeUnixNano": "time_unix_nano", "observedTimeUnixNano": "observed_time_unix_nano",
    "severityNumber": "severity_number", "severityText": "severity_text", "attributes": "attributes",
    "droppedAttributesCount": "dropped_attributes_count", "flags": "flags", "traceId": "trace_id",
    "spanId": "span_id", "eventName": "event_name",
  ]
  private static let metric = [
    "name": "name", "description": "description", "unit": "unit", "metadata": "metadata",
  ]
  private static let data = [
    "aggregationTemporality": "aggregation_temporality", "isMonotonic": "is_monotonic",
  ]
  private static let point = [
    "startTimeUnixNano": "start_time_unix_nano", "timeUnixNano": "time_unix_nano", "flags": "flags",
    "asDouble": "value_double", "asInt": "value_int", "exemplars": "exemplars", "count": "count", "sum": "sum",
    "min": "min", "max": "max", "bucketCounts": "bucket_counts", "explicitBounds": "explicit_bounds",
    "scale": "scale", "zeroCount": "zero_count", "zeroThreshold": "zero_threshold",
    "quantileValues": "quantile_values",
  ]
  private static let event = [
    "timeUnixNano": "time_unix_nano", "name": "name", "attributes": "attributes",
    "droppedAttributesCount": "dropped_attributes_count",
  ]
  private static let link = [
    "traceId": "trace_id", "spanId": "span_id", "traceState": "trace_state", "attributes": "attributes",
    "droppedAttributesCount": "dropped_attributes_count", "flags": "flags",
  ]
  private static let exemplar = [
    "filteredAttributes": "filtered_attributes", "timeUnixNano": "time_unix_nano", "asDouble": "as_double",
    "asInt": "as_int", "spanId": "span_id", "traceId": "trace_id",
  ]
  private static let entityRef = [
    "schemaUrl": "schema_url", "type": "type", "idKeys": "id_keys", "descriptionKeys": "description_keys",
  ]
  private static let value: Set = [
    "stringValue", "boolValue", "intValue", "doubleValue", "arrayValue", "kvlistValue", "bytesValue",
  ]
}
