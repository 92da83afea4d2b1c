// A metric, read where it lies in the request.

/// A metric of a request (opentelemetry.proto.metrics.v1.Metric): a name, and data points of one kind.
package struct MetricView: ~Escapable {
  private let message: MessageView
  /// The Gauge, Sum, Histogram, ExponentialHistogram or Summary message.
  private let data: MessageView

  /// The kinds of data a metric can hold; the raw value is the field number in Metric.
  package enum Kind: Int, Sendable, CaseIterable {
    case gauge = 5
    case sum = 7
    case histogram = 9
    case exponentialHistogram = 10
    case summary = 11

    /// `gauge`, `sum`, `histogram`, `exponential_histogram`, `summary`.
    package var name: String {
      switch self {
      case .gauge: "gauge"
      case .sum: "sum"
      case .histogram: "histogram"
      case .exponentialHistogram: "exponential_histogram"
      case .summary: "summary"
      }
    }

    var message: MessageKind {
      switch self {
      case .gauge: .gauge
      case .sum: .sum
      case .histogram: .histogram
      case .exponentialHistogram: .exponentialHistogram
      case .summary: .summary
      }
    }

    var pointMessage: MessageKind {
      switch self {
      case .gauge, .sum: .numberDataPoint
      case .histogram: .histogramDataPoint
      case .exponentialHistogram: .exponentialHistogramDataPoint
      case .summary: .summaryDataPoint
      }
    }
  }

  /// Nil when the client sent a metric without data, which has no points.
  package let kind: Kind?

  @_lifetime(copy bytes)
  init(_ bytes: Span<UInt8>) {
    let message = MessageView(bytes, .metric)
    // At most one member of a oneof occurs (I5).
    let kind = Kind.allCases.first { message.has($0.rawValue) }
    data = MessageView(message.content(kind?.rawValue ?? 0), kind?.message ?? .gauge)
    self.message = message
    self.kind = kind
  }

  /// The Metric message on the wire.
  package var bytes: Span<UInt8> { @_lifetime(copy self) get { message.bytes } }

  package var name: TextView { @_lifetime(copy self) get { message.text(1) } }
  package var description: TextView { @_lifetime(copy self) get { message.text(2) } }
  package var unit: TextView { @_lifetime(copy self) get { message.text(3) } }
  package var metadata: AttributesView { @_lifetime(copy self) get { message.attributes(12) } }

  /// AggregationTemporality: 0 unspecified, 1 delta, 2 cumulative; nil for a gauge, a summary and no data.
  package var aggregationTemporality: Int32? {
    switch kind {
    case .sum, .histogram, .exponentialHistogram: data.enumeration(2)
    default: nil
    }
  }

  /// Whether a sum only grows; nil for the other kinds.
  package var isMonotonic: Bool? { kind == .sum ? data.varint(3) != 0 : nil }

  /// Visits the data points in order.
  package func forEachDataPoint<Failure: Error>(_ body: (DataPointView) throws(Failure) -> Void) throws(Failure) {
    guard let kind else { return }
    try data.messages(1, kind.pointMessage).forEach { (bytes) throws(Failure) in
      try body(DataPointView(bytes, kind))
    }
  }
}
