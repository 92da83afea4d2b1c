// A data point of any of the five kinds, read where it lies in the request.

/// One data point of a metric; what its kind does not have reads as nil or empty.
package struct DataPointView: ~Escapable {
  private let message: MessageView
  package let kind: MetricView.Kind
  private let numbers: Numbers

  @_lifetime(copy bytes)
  init(_ bytes: Span<UInt8>, _ kind: MetricView.Kind) {
    message = MessageView(bytes, kind.pointMessage)
    self.kind = kind
    numbers = Numbers(kind)
  }

  /// The field numbers that differ between the kinds; 0 where a kind lacks the field.
  private struct Numbers {
    var attributes = 0, flags = 0, exemplars = 0, count = 0, sum = 0, min = 0, max = 0

    init(_ kind: MetricView.Kind) {
      switch kind {
      case .gauge, .sum: (attributes, flags, exemplars) = (7, 8, 5)
      case .histogram: (attributes, flags, exemplars, count, sum, min, max) = (9, 10, 8, 4, 5, 11, 12)
      case .exponentialHistogram: (attributes, flags, exemplars, count, sum, min, max) = (1, 10, 11, 4, 5, 12, 13)
      case .summary: (attributes, flags, count, sum) = (7, 8, 4, 5)
      }
    }
  }

  /// The data point message on the wire.
  package var bytes: Span<UInt8> { @_lifetime(copy self) get { message.bytes } }

  package var attributes: AttributesView { @_lifetime(copy self) get { message.attributes(numbers.attributes) } }
  package var startTimeUnixNano: UInt64 { message.fixed64(2) }
  package var timeUnixNano: UInt64 { message.fixed64(3) }
  /// DataPointFlags: bit 0 is "no recorded value".
  package var flags: UInt32 { message.uint32(numbers.flags) }
  package var exemplars: MessagesView {
    @_lifetime(copy self)
    get { message.messages(numbers.exemplars, .exemplar) }
  }

  package func forEachExemplar<Failure: Error>(_ body: (ExemplarView) throws(Failure) -> Void) throws(Failure) {
    try exemplars.forEach { (bytes) throws(Failure) in try body(ExemplarView(bytes)) }
  }

  // MARK: Gauge and sum

  /// The value of a gauge's or a sum's point; nil when none was recorded, and for the other kinds.
  package var value: NumberValue? {
    guard numbers.count == 0 else { return nil }
    return NumberValue(message, double: 4, int: 6)
  }

  // MARK: Histograms and summary

  /// The number of values in a histogram or a summary; nil for the other kinds.
  package var count: UInt64? { numbers.count == 0 ? nil : message.fixed64(numbers.count) }

  /// The sum of the values; nil when a histogram does not tell it. A summary always has one.
  package var sum: Double? {
    kind == .summary ? message.double(5) : message.optionalDouble(numbers.sum)
  }

  /// The smallest value of a histogram that tells it.
  package var min: Double? { message.optionalDouble(numbers.min) }
  /// The largest value of a histogram that tells it.
  package var max: Double? { message.optionalDouble(numbers.max) }

  /// The counts per bucket of an explicit histogram, as unsigned integers.
  package var bucketCounts: NumbersView {
    @_lifetime(copy self)
    get { message.numbers(kind == .histogram ? 6 : 0, .fixed64) }
  }

  /// The bounds between an explicit histogram's buckets, as doubles.
  package var explicitBounds: NumbersView {
    @_lifetime(copy self)
    get { message.numbers(kind == .histogram ? 7 : 0, .double) }
  }

  // MARK: Exponential histogram

  /// The resolution: bucket bounds are powers of 2^(2^-scale).
  package var scale: Int32? { kind == .exponentialHistogram ? message.sint32(6) : nil }
  package var zeroCount: UInt64? { kind == .exponentialHistogram ? message.fixed64(7) : nil }
  package var zeroThreshold: Double? { kind == .exponentialHistogram ? message.double(14) : nil }
  /// The buckets of positive values; nil when the client wrote none.
  package var positive: BucketsView? { @_lifetime(copy self) get { buckets(8) } }
  /// The buckets of negative values; nil when the client wrote none.
  package var negative: BucketsView? { @_lifetime(copy self) get { buckets(9) } }

  @_lifetime(copy self)
  private func buckets(_ number: Int) -> BucketsView? {
    guard kind == .exponentialHistogram, message.has(number) else { return nil }
    return BucketsView(message.content(number))
  }

  // MARK: Summary

  /// ValueAtQuantile messages of a summary.
  package var quantiles: MessagesView {
    @_lifetime(copy self)
    get { message.messages(kind == .summary ? 6 : 0, .valueAtQuantile) }
  }

  /// Visits a summary's quantiles.
  package func forEachQuantile<Failure: Error>(
    _ body: (_ quantile: Double, _ value: Double) throws(Failure) -> Void
  ) throws(Failure) {
    try quantiles.forEach { (bytes) throws(Failure) in
      let pair = MessageView(bytes, .valueAtQuantile)
      try body(pair.double(1), pair.double(2))
    }
  }
}

/// The value of a number point or an exemplar; the client's choice of type is kept.
package enum NumberValue: Sendable, Equatable {
  case int(Int64)
  case double(Double)

  init?(_ message: borrowing MessageView, double: Int, int: Int) {
    if message.has(double) {
      self = .double(message.double(double))
    } else if message.has(int) {
      self = .int(Int64(bitPattern: message.fixed64(int)))
    } else {
      return nil
    }
  }
}

/// One side of an exponential histogram.
package struct BucketsView: ~Escapable {
  let message: MessageView

  @_lifetime(copy bytes)
  init(_ bytes: Span<UInt8>) { message = MessageView(bytes, .buckets) }

  /// The index of the first count's bucket.
  package var offset: Int32 { message.sint32(1) }
  package var bucketCounts: NumbersView { @_lifetime(copy self) get { message.numbers(2, .uint64) } }
}

/// A sample measurement behind a data point.
package struct ExemplarView: ~Escapable {
  private let message: MessageView

  @_lifetime(copy bytes)
  init(_ bytes: Span<UInt8>) { message = MessageView(bytes, .exemplar) }

  package var filteredAttributes: AttributesView { @_lifetime(copy self) get { message.attributes(7) } }
  package var timeUnixNano: UInt64 { message.fixed64(2) }
  package var value: NumberValue? { NumberValue(message, double: 3, int: 6) }
  package var spanID: BytesView { @_lifetime(copy self) get { message.data(4) } }
  package var traceID: BytesView { @_lifetime(copy self) get { message.data(5) } }
}
