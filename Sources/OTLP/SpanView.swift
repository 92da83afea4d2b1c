// A span, its events and its links, read where they lie in the request.

/// A span of a request (opentelemetry.proto.trace.v1.Span).
package struct SpanView: ~Escapable {
  private let message: MessageView

  @_lifetime(copy bytes)
  init(_ bytes: Span<UInt8>) { message = MessageView(bytes, .span) }

  /// The Span message on the wire.
  package var bytes: Span<UInt8> { @_lifetime(copy self) get { message.bytes } }

  /// 16 bytes, or empty.
  package var traceID: BytesView { @_lifetime(copy self) get { message.data(1) } }
  /// 8 bytes, or empty.
  package var spanID: BytesView { @_lifetime(copy self) get { message.data(2) } }
  package var traceState: TextView { @_lifetime(copy self) get { message.text(3) } }
  /// 8 bytes; empty for a root span.
  package var parentSpanID: BytesView { @_lifetime(copy self) get { message.data(4) } }
  package var name: TextView { @_lifetime(copy self) get { message.text(5) } }
  /// SpanKind: 0 unspecified, 1 internal, 2 server, 3 client, 4 producer, 5 consumer.
  package var kind: Int32 { message.enumeration(6) }
  package var startTimeUnixNano: UInt64 { message.fixed64(7) }
  package var endTimeUnixNano: UInt64 { message.fixed64(8) }
  package var attributes: AttributesView { @_lifetime(copy self) get { message.attributes(9) } }
  package var droppedAttributesCount: UInt32 { message.uint32(10) }
  package var events: MessagesView { @_lifetime(copy self) get { message.messages(11, .spanEvent) } }
  package var droppedEventsCount: UInt32 { message.uint32(12) }
  package var links: MessagesView { @_lifetime(copy self) get { message.messages(13, .spanLink) } }
  package var droppedLinksCount: UInt32 { message.uint32(14) }
  /// W3C trace flags in the low 8 bits, "is remote" in bits 8 and 9.
  package var flags: UInt32 { message.fixed32(16) }

  /// Whether the client wrote a status at all; an absent one reads as code 0 without a message.
  package var hasStatus: Bool { message.has(15) }
  package var status: SpanStatusView { @_lifetime(copy self) get { SpanStatusView(message.content(15)) } }

  package func forEachEvent<Failure: Error>(_ body: (SpanEventView) throws(Failure) -> Void) throws(Failure) {
    try events.forEach { (bytes) throws(Failure) in try body(SpanEventView(bytes)) }
  }

  package func forEachLink<Failure: Error>(_ body: (SpanLinkView) throws(Failure) -> Void) throws(Failure) {
    try links.forEach { (bytes) throws(Failure) in try body(SpanLinkView(bytes)) }
  }
}

/// How a span ended.
package struct SpanStatusView: ~Escapable {
  private let message: MessageView

  @_lifetime(copy bytes)
  init(_ bytes: Span<UInt8>) { message = MessageView(bytes, .spanStatus) }

  package var text: TextView { @_lifetime(copy self) get { message.text(2) } }
  /// StatusCode: 0 unset, 1 ok, 2 error.
  package var code: Int32 { message.enumeration(3) }
}

/// Something that happened during a span.
package struct SpanEventView: ~Escapable {
  private let message: MessageView

  @_lifetime(copy bytes)
  init(_ bytes: Span<UInt8>) { message = MessageView(bytes, .spanEvent) }

  package var timeUnixNano: UInt64 { message.fixed64(1) }
  package var name: TextView { @_lifetime(copy self) get { message.text(2) } }
  package var attributes: AttributesView { @_lifetime(copy self) get { message.attributes(3) } }
  package var droppedAttributesCount: UInt32 { message.uint32(4) }
}

/// A pointer from a span to another one.
package struct SpanLinkView: ~Escapable {
  private let message: MessageView

  @_lifetime(copy bytes)
  init(_ bytes: Span<UInt8>) { message = MessageView(bytes, .spanLink) }

  package var traceID: BytesView { @_lifetime(copy self) get { message.data(1) } }
  package var spanID: BytesView { @_lifetime(copy self) get { message.data(2) } }
  package var traceState: TextView { @_lifetime(copy self) get { message.text(3) } }
  package var attributes: AttributesView { @_lifetime(copy self) get { message.attributes(4) } }
  package var droppedAttributesCount: UInt32 { message.uint32(5) }
  package var flags: UInt32 { message.fixed32(6) }
}
