// Visiting a request's items flat, each with the resource and the scope it belongs to.

internal import Bytes

extension ExportRequest {
  /// Visits every span in wire order. A request of another signal has none.
  ///
  /// The views are windows on the request's bytes, valid during the visit only. One scan per record, no allocation.
  package func forEachSpan<Failure: Error>(
    _ body: (_ resource: ResourceView, _ scope: ScopeView, _ span: SpanView) throws(Failure) -> Void
  ) throws(Failure) {
    guard signal == .traces else { return }
    try payload.forEachOTLPItem { (resource, scope, bytes) throws(Failure) in
      try body(resource, scope, SpanView(bytes))
    }
  }

  /// Visits every log record in wire order. A request of another signal has none.
  package func forEachLogRecord<Failure: Error>(
    _ body: (_ resource: ResourceView, _ scope: ScopeView, _ record: LogRecordView) throws(Failure) -> Void
  ) throws(Failure) {
    guard signal == .logs else { return }
    try payload.forEachOTLPItem { (resource, scope, bytes) throws(Failure) in
      try body(resource, scope, LogRecordView(bytes))
    }
  }

  /// Visits every metric in wire order; `forEachDataPoint` visits its points. A request of another signal has none.
  package func forEachMetric<Failure: Error>(
    _ body: (_ resource: ResourceView, _ scope: ScopeView, _ metric: MetricView) throws(Failure) -> Void
  ) throws(Failure) {
    guard signal == .metrics else { return }
    try payload.forEachOTLPItem { (resource, scope, bytes) throws(Failure) in
      try body(resource, scope, MetricView(bytes))
    }
  }

  /// The number of ResourceSpans, ResourceMetrics or ResourceLogs, with and without items.
  package var resourceCount: Int { MessageView(payload.span, .tracesRequest).messages(1, .resourceSpans).count }
}

extension Bytes {
  /// Visits the spans, log records or metrics of the payload of a valid export request.
  ///
  /// The envelopes of all signals have the same field numbers: 1 the resource or scope, 2 the children, 3 the schema.
  func forEachOTLPItem<Failure: Error>(
    _ body: (_ resource: ResourceView, _ scope: ScopeView, _ item: Span<UInt8>) throws(Failure) -> Void
  ) throws(Failure) {
    var resourceIndex = -1
    var scopeIndex = -1
    let envelopes = MessageView(span, .tracesRequest).messages(1, .resourceSpans)
    try envelopes.forEach { (bytes) throws(Failure) in
      resourceIndex += 1
      let envelope = MessageView(bytes, .resourceSpans)
      let resource = ResourceView(envelope.content(1), schemaURL: envelope.text(3), index: resourceIndex)
      try envelope.messages(2, .scopeSpans).forEach { (bytes) throws(Failure) in
        scopeIndex += 1
        let envelope = MessageView(bytes, .scopeSpans)
        let scope = ScopeView(envelope.content(1), schemaURL: envelope.text(3), index: scopeIndex)
        try envelope.messages(2, .span).forEach { (bytes) throws(Failure) in try body(resource, scope, bytes) }
      }
    }
  }
}
