// The three kinds of telemetry, and the two encodings they arrive in.

/// One kind of telemetry. An export request, a batch and a cursor hold exactly one.
package enum Signal: UInt8, CaseIterable, Sendable, Hashable {
  case traces = 0
  case metrics = 1
  case logs = 2

  /// The word in config files and metric labels: `traces`, `metrics`, `logs`.
  package var name: String {
    switch self {
    case .traces: "traces"
    case .metrics: "metrics"
    case .logs: "logs"
    }
  }

  /// The Collector's word for this signal's items in metric names: `spans`, `metric_points`, `log_records`.
  package var itemsName: String {
    switch self {
    case .traces: "spans"
    case .metrics: "metric_points"
    case .logs: "log_records"
    }
  }
}

/// How a body is written: OTLP/HTTP "Binary Protobuf Encoding" or "JSON Protobuf Encoding".
package enum Encoding: Sendable, Hashable {
  case protobuf
  case json
}
