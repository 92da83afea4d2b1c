// The OTLP messages as tables: the one description from which the transcoder, the walker and the JSON writer are built.

/// A message type of OTLP 1.x (traces, metrics, logs and what they share).
package enum MessageKind: UInt8, CaseIterable, Sendable {
  // opentelemetry.proto.collector.*.v1: the three roots have the same shape.
  case tracesRequest, metricsRequest, logsRequest
  // opentelemetry.proto.trace.v1
  case resourceSpans, scopeSpans, span, spanEvent, spanLink, spanStatus
  // opentelemetry.proto.metrics.v1
  case resourceMetrics, scopeMetrics, metric
  case gauge, sum, histogram, exponentialHistogram, summary
  case numberDataPoint, histogramDataPoint, exponentialHistogramDataPoint, summaryDataPoint
  case buckets, valueAtQuantile, exemplar
  // opentelemetry.proto.logs.v1
  case resourceLogs, scopeLogs, logRecord
  // opentelemetry.proto.resource.v1 and common.v1
  case resource, scope, keyValue, anyValue, arrayValue, keyValueList, entityRef

  /// The root message of a signal's export request.
  package static func request(of signal: Signal) -> MessageKind {
    switch signal {
    case .traces: .tracesRequest
    case .metrics: .metricsRequest
    case .logs: .logsRequest
    }
  }
}

/// What a field holds, which decides its wire type and its JSON form.
package enum FieldType: UInt8, Sendable {
  /// UTF-8 text.
  case string
  /// 16 bytes, in JSON as hex ("JSON Protobuf Encoding").
  case traceID
  /// 8 bytes, in JSON as hex.
  case spanID
  /// Bytes, in JSON as base64.
  case bytes
  /// Varint 0 or 1.
  case bool
  /// Varint, 32 bits, unsigned.
  case uint32
  /// Varint, 32 bits, zigzag.
  case sint32
  /// Varint, 64 bits, two's complement; a string in JSON.
  case int64
  /// Varint, 64 bits, unsigned; a string in JSON.
  case uint64
  /// Varint, 32 bits; a number in JSON, names are tolerated.
  case enumeration
  /// Four bytes, little-endian, unsigned.
  case fixed32
  /// Eight bytes, little-endian, unsigned; a string in JSON.
  case fixed64
  /// Eight bytes, little-endian, signed; a string in JSON.
  case sfixed64
  /// Eight bytes, IEEE 754.
  case double
  /// A nested message.
  case message

  /// The wire type of one value: 0 varint, 1 eight bytes, 2 length-delimited, 5 four bytes.
  package var wireType: UInt8 {
    switch self {
    case .string, .traceID, .spanID, .bytes, .message: 2
    case .fixed64, .sfixed64, .double: 1
    case .fixed32: 5
    case .bool, .uint32, .sint32, .int64, .uint64, .enumeration: 0
    }
  }

  /// Whether a repeated field of this type is packed on the wire (numbers are, in proto3).
  package var packs: Bool { wireType != 2 }
}

/// How often a field occurs.
package enum Occurrence: UInt8, Sendable {
  /// At most once, absent when it is the default.
  case singular
  /// At most once, and presence matters even for the default (proto3 `optional`).
  case optional
  /// At most one member of the message's only oneof; presence matters.
  case oneof
  case repeated
}

/// One field of a message.
package struct Field: Sendable {
  /// The JSON name, lowerCamelCase.
  package let name: StaticString
  /// The number in the .proto file.
  package let number: UInt8
  package let type: FieldType
  package let occurrence: Occurrence
  /// The type of the nested message; only for `.message`.
  package let message: MessageKind?

  init(_ name: StaticString, _ number: UInt8, _ type: FieldType, _ occurrence: Occurrence = .singular) {
    self.name = name
    self.number = number
    self.type = type
    self.occurrence = occurrence
    message = nil
  }

  init(_ name: StaticString, _ number: UInt8, _ kind: MessageKind, _ occurrence: Occurrence = .singular) {
    self.name = name
    self.number = number
    type = .message
    self.occurrence = occurrence
    message = kind
  }
}

extension MessageKind {
  /// The message's fields in the order of the .proto file (opentelemetry-proto 1.x).
  package var fields: [Field] {
    switch self {
    case .tracesRequest: [Field("resourceSpans", 1, .resourceSpans, .repeated)]
    case .metricsRequest: [Field("resourceMetrics", 1, .resourceMetrics, .repeated)]
    case .logsRequest: [Field("resourceLogs", 1, .resourceLogs, .repeated)]
    case .resourceSpans, .scopeSpans, .span, .spanEvent, .spanLink, .spanStatus: traceFields
    case .resourceMetrics, .scopeMetrics, .metric, .gauge, .sum, .histogram, .exponentialHistogram, .summary:
      metricFields
    case .numberDataPoint, .histogramDataPoint, .exponentialHistogramDataPoint, .summaryDataPoint, .buckets,
      .valueAtQuantile, .exemplar:
      pointFields
    case .resourceLogs, .scopeLogs, .logRecord: logFields
    case .resource, .scope, .keyValue, .anyValue, .arrayValue, .keyValueList, .entityRef: commonFields
    }
  }

  private var traceFields: [Field] {
    switch self {
    case .resourceSpans:
      [Field("resource", 1, .resource), Field("scopeSpans", 2, .scopeSpans, .repeated), Field("schemaUrl", 3, .string)]
    case .scopeSpans:
      [Field("scope", 1, .scope), Field("spans", 2, .span, .repeated), Field("schemaUrl", 3, .string)]
    case .span:
      [
        Field("traceId", 1, .traceID), Field("spanId", 2, .spanID), Field("traceState", 3, .string),
        Field("parentSpanId", 4, .spanID), Field("flags", 16, .fixed32), Field("name", 5, .string),
        Field("kind", 6, .enumeration), Field("startTimeUnixNano", 7, .fixed64),
        Field("endTimeUnixNano", 8, .fixed64), Field("attributes", 9, .keyValue, .repeated),
        Field("droppedAttributesCount", 10, .uint32), Field("events", 11, .spanEvent, .repeated),
        Field("droppedEventsCount", 12, .uint32), Field("links", 13, .spanLink, .repeated),
        Field("droppedLinksCount", 14, .uint32), Field("status", 15, .spanStatus),
      ]
    case .spanEvent:
      [
        Field("timeUnixNano", 1, .fixed64), Field("name", 2, .string), Field("attributes", 3, .keyValue, .repeated),
        Field("droppedAttributesCount", 4, .uint32),
      ]
    case .spanLink:
      [
        Field("traceId", 1, .traceID), Field("spanId", 2, .spanID), Field("traceState", 3, .string),
        Field("attributes", 4, .keyValue, .repeated), Field("droppedAttributesCount", 5, .uint32),
        Field("flags", 6, .fixed32),
      ]
    default:  // .spanStatus
      [Field("message", 2, .string), Field("code", 3, .enumeration)]
    }
  }

  private var metricFields: [Field] {
    switch self {
    case .resourceMetrics:
      [
        Field("resource", 1, .resource), Field("scopeMetrics", 2, .scopeMetrics, .repeated),
        Field("schemaUrl", 3, .string),
      ]
    case .scopeMetrics:
      [Field("scope", 1, .scope), Field("metrics", 2, .metric, .repeated), Field("schemaUrl", 3, .string)]
    case .metric:
      [
        Field("name", 1, .string), Field("description", 2, .string), Field("unit", 3, .string),
        Field("gauge", 5, .gauge, .oneof), Field("sum", 7, .sum, .oneof), Field("histogram", 9, .histogram, .oneof),
        Field("exponentialHistogram", 10, .exponentialHistogram, .oneof), Field("summary", 11, .summary, .oneof),
        Field("metadata", 12, .keyValue, .repeated),
      ]
    case .gauge: [Field("dataPoints", 1, .numberDataPoint, .repeated)]
    case .sum:
      [
        Field("dataPoints", 1, .numberDataPoint, .repeated), Field("aggregationTemporality", 2, .enumeration),
        Field("isMonotonic", 3, .bool),
      ]
    case .histogram:
      [Field("dataPoints", 1, .histogramDataPoint, .repeated), Field("aggregationTemporality", 2, .enumeration)]
    case .exponentialHistogram:
      [
        Field("dataPoints", 1, .exponentialHistogramDataPoint, .repeated),
        Field("aggregationTemporality", 2, .enumeration),
      ]
    default:  // .summary
      [Field("dataPoints", 1, .summaryDataPoint, .repeated)]
    }
  }

  private var pointFields: [Field] {
    switch self {
    case .numberDataPoint:
      [
        Field("attributes", 7, .keyValue, .repeated), Field("startTimeUnixNano", 2, .fixed64),
        Field("timeUnixNano", 3, .fixed64), Field("asDouble", 4, .double, .oneof), Field("asInt", 6, .sfixed64, .oneof),
        Field("exemplars", 5, .exemplar, .repeated), Field("flags", 8, .uint32),
      ]
    case .histogramDataPoint:
      [
        Field("attributes", 9, .keyValue, .repeated), Field("startTimeUnixNano", 2, .fixed64),
        Field("timeUnixNano", 3, .fixed64), Field("count", 4, .fixed64), Field("sum", 5, .double, .optional),
        Field("bucketCounts", 6, .fixed64, .repeated), Field("explicitBounds", 7, .double, .repeated),
        Field("exemplars", 8, .exemplar, .repeated), Field("flags", 10, .uint32), Field("min", 11, .double, .optional),
        Field("max", 12, .double, .optional),
      ]
    case .exponentialHistogramDataPoint:
      [
        Field("attributes", 1, .keyValue, .repeated), Field("startTimeUnixNano", 2, .fixed64),
        Field("timeUnixNano", 3, .fixed64), Field("count", 4, .fixed64), Field("sum", 5, .double, .optional),
        Field("scale", 6, .sint32), Field("zeroCount", 7, .fixed64), Field("positive", 8, .buckets),
        Field("negative", 9, .buckets), Field("flags", 10, .uint32), Field("exemplars", 11, .exemplar, .repeated),
        Field("min", 12, .double, .optional), Field("max", 13, .double, .optional),
        Field("zeroThreshold", 14, .double),
      ]
    case .summaryDataPoint:
      [
        Field("attributes", 7, .keyValue, .repeated), Field("startTimeUnixNano", 2, .fixed64),
        Field("timeUnixNano", 3, .fixed64), Field("count", 4, .fixed64), Field("sum", 5, .double),
        Field("quantileValues", 6, .valueAtQuantile, .repeated), Field("flags", 8, .uint32),
      ]
    case .buckets: [Field("offset", 1, .sint32), Field("bucketCounts", 2, .uint64, .repeated)]
    case .valueAtQuantile: [Field("quantile", 1, .double), Field("value", 2, .double)]
    default:  // .exemplar
      [
        Field("filteredAttributes", 7, .keyValue, .repeated), Field("timeUnixNano", 2, .fixed64),
        Field("asDouble", 3, .double, .oneof), Field("asInt", 6, .sfixed64, .oneof), Field("spanId", 4, .spanID),
        Field("traceId", 5, .traceID),
      ]
    }
  }

  private var logFields: [Field] {
    switch self {
    case .resourceLogs:
      [Field("resource", 1, .resource), Field("scopeLogs", 2, .scopeLogs, .repeated), Field("schemaUrl", 3, .string)]
    case .scopeLogs:
      [Field("scope", 1, .scope), Field("logRecords", 2, .logRecord, .repeated), Field("schemaUrl", 3, .string)]
    default:  // .logRecord
      [
        Field("timeUnixNano", 1, .fixed64), Field("observedTimeUnixNano", 11, .fixed64),
        Field("severityNumber", 2, .enumeration), Field("severityText", 3, .string), Field("body", 5, .anyValue),
        Field("attributes", 6, .keyValue, .repeated), Field("droppedAttributesCount", 7, .uint32),
        Field("flags", 8, .fixed32), Field("traceId", 9, .traceID), Field("spanId", 10, .spanID),
        Field("eventName", 12, .string),
      ]
    }
  }

  private var commonFields: [Field] {
    switch self {
    case .resource:
      [
        Field("attributes", 1, .keyValue, .repeated), Field("droppedAttributesCount", 2, .uint32),
        Field("entityRefs", 3, .entityRef, .repeated),
      ]
    case .scope:
      [
        Field("name", 1, .string), Field("version", 2, .string), Field("attributes", 3, .keyValue, .repeated),
        Field("droppedAttributesCount", 4, .uint32),
      ]
    case .keyValue: [Field("key", 1, .string), Field("value", 2, .anyValue)]
    case .anyValue:
      [
        Field("stringValue", 1, .string, .oneof), Field("boolValue", 2, .bool, .oneof),
        Field("intValue", 3, .int64, .oneof), Field("doubleValue", 4, .double, .oneof),
        Field("arrayValue", 5, .arrayValue, .oneof), Field("kvlistValue", 6, .keyValueList, .oneof),
        Field("bytesValue", 7, .bytes, .oneof),
      ]
    case .arrayValue: [Field("values", 1, .anyValue, .repeated)]
    case .keyValueList: [Field("values", 1, .keyValue, .repeated)]
    default:  // .entityRef
      [
        Field("schemaUrl", 1, .string), Field("type", 2, .string), Field("idKeys", 3, .string, .repeated),
        Field("descriptionKeys", 4, .string, .repeated),
      ]
    }
  }
}
