// Every view of a request, read to the last field, and the flat form of each part there and back.

package import OTLP
internal import Bytes

extension ExportRequest {
  /// The request in OTLP's JSON encoding.
  package var json: String {
    var buffer = ByteBuffer()
    appendJSON(to: &buffer)
    return buffer.finish().text
  }
}

/// Reads all that the views of a request offer, and counts its items.
struct RequestVisitor {
  private(set) var items = 0
  /// Depends on every value, so that no read can be left out.
  private var sum: UInt64 = 0

  mutating func visit(_ request: ExportRequest) throws {
    switch request.signal {
    case .traces:
      try request.forEachSpan { (resource, scope, span) throws in
        try visit(resource, scope)
        try visit(span)
      }
    case .logs:
      try request.forEachLogRecord { (resource, scope, record) throws in
        try visit(resource, scope)
        try visit(record)
      }
    case .metrics:
      try request.forEachMetric { (resource, scope, metric) throws in
        try visit(resource, scope)
        try visit(metric)
      }
    }
  }

  // MARK: Parts

  private mutating func visit(_ resource: borrowing ResourceView, _ scope: borrowing ScopeView) throws {
    try visit(resource.attributes)
    add(resource.schemaURL)
    add(resource.serviceName)
    add(scope.name)
    add(scope.version)
    add(scope.schemaURL)
    add(resource.index, resource.droppedAttributesCount, scope.index, scope.droppedAttributesCount)
    resource.forEachEntityRef { entity in
      add(entity.schemaURL)
      add(entity.type)
      entity.forEachIDKey { add($0) }
      entity.forEachDescriptionKey { add($0) }
    }
    try FlatRoundTrip.check(resource.entityRefs, .entityRef)
    try visit(scope.attributes)
  }

  private mutating func visit(_ span: borrowing SpanView) throws {
    items += 1
    add(span.traceID)
    add(span.spanID)
    add(span.parentSpanID)
    try require([0, 16].contains(span.traceID.count), "a trace id of \(span.traceID.count) bytes")
    try require([0, 8].contains(span.spanID.count), "a span id of \(span.spanID.count) bytes")
    try require([0, 8].contains(span.parentSpanID.count), "a parent id of \(span.parentSpanID.count) bytes")
    add(span.traceState)
    add(span.name)
    add(span.status.text)
    add(span.kind, span.startTimeUnixNano, span.endTimeUnixNano, span.flags, span.status.code, span.hasStatus ? 1 : 0)
    add(span.droppedAttributesCount, span.droppedEventsCount, span.droppedLinksCount)
    try visit(span.attributes)
    try span.forEachEvent { (event) throws in
      add(event.name)
      add(event.timeUnixNano, event.droppedAttributesCount)
      try visit(event.attributes)
    }
    try FlatRoundTrip.check(span.events, .spanEvent)
    try span.forEachLink { (link) throws in
      try require([0, 16].contains(link.traceID.count), "a link's trace id of \(link.traceID.count) bytes")
      add(link.traceID)
      add(link.spanID)
      add(link.traceState)
      add(link.droppedAttributesCount, link.flags)
      try visit(link.attributes)
    }
    try FlatRoundTrip.check(span.links, .spanLink)
  }

  private mutating func visit(_ record: borrowing LogRecordView) throws {
    items += 1
    try require([0, 16].contains(record.traceID.count), "a trace id of \(record.traceID.count) bytes")
    try require([0, 8].contains(record.spanID.count), "a span id of \(record.spanID.count) bytes")
    add(record.traceID)
    add(record.spanID)
    add(record.severityText)
    add(record.eventName)
    add(record.timeUnixNano, record.observedTimeUnixNano, record.severityNumber, record.flags)
    add(record.droppedAttributesCount)
    try visit(record.attributes)
    visit(record.body)
    try FlatRoundTrip.check(record.body)
  }

  private mutating func visit(_ metric: borrowing MetricView) throws {
    add(metric.name)
    add(metric.description)
    add(metric.unit)
    add(metric.aggregationTemporality ?? -1, metric.isMonotonic == true ? 1 : 0)
    try visit(metric.metadata)
    try metric.forEachDataPoint { (point) throws in try visit(point) }
  }

  private mutating func visit(_ point: borrowing DataPointView) throws {
    items += 1
    add(point.startTimeUnixNano, point.timeUnixNano, point.flags, point.count ?? 0, point.scale ?? 0)
    add(point.zeroCount ?? 0)
    for value in [point.sum, point.min, point.max, point.zeroThreshold] { add(value?.bitPattern ?? 0) }
    add(point.value)
    try visit(point.attributes)
    try FlatRoundTrip.check(point.bucketCounts, .fixed64)
    try FlatRoundTrip.check(point.explicitBounds, .double)
    if let buckets = point.positive { try visit(buckets) }
    if let buckets = point.negative { try visit(buckets) }
    point.forEachQuantile { quantile, value in add(quantile.bitPattern, value.bitPattern) }
    try FlatRoundTrip.check(point.quantiles, .valueAtQuantile)
    try point.forEachExemplar { (exemplar) throws in
      add(exemplar.traceID)
      add(exemplar.spanID)
      add(exemplar.timeUnixNano)
      add(exemplar.value)
      try visit(exemplar.filteredAttributes)
    }
    try FlatRoundTrip.check(point.exemplars, .exemplar)
  }

  private mutating func visit(_ buckets: borrowing BucketsView) throws {
    add(buckets.offset, buckets.bucketCounts.count)
    try FlatRoundTrip.check(buckets)
  }

  private mutating func visit(_ attributes: borrowing AttributesView) throws {
    var count = 0
    attributes.forEach { key, value in
      count += 1
      add(key)
      visit(value)
    }
    try require(count == attributes.count, "\(attributes.count) attributes, \(count) visited")
    try FlatRoundTrip.check(attributes)
  }

  private mutating func visit(_ value: borrowing AnyValueView) {
    switch value.kind {
    case .empty: add(value.isPresent ? 1 : 0)
    case .string(let text): add(text)
    case .bool(let value): add(value ? 1 : 0)
    case .int(let value): add(value)
    case .double(let value): add(value.bitPattern)
    case .bytes(let bytes): add(bytes)
    case .array(let array): array.forEach { visit($0) }
    case .keyValueList(let list):
      list.forEach { key, value in
        add(key)
        visit(value)
      }
    }
  }

  // MARK: The sum

  private mutating func add(_ text: borrowing TextView) { add(UInt64(truncatingIfNeeded: text.string.hashValue)) }

  private mutating func add(_ bytes: borrowing BytesView) { add(UInt64(truncatingIfNeeded: bytes.hex.hashValue)) }

  private mutating func add(_ number: NumberValue?) {
    switch number {
    case .int(let value): add(value)
    case .double(let value): add(value.bitPattern)
    case nil: add(0)
    }
  }

  private mutating func add(_ values: any BinaryInteger...) {
    for value in values { sum = (sum ^ UInt64(truncatingIfNeeded: value)) &* 0x100_0000_01b3 }
  }
}
