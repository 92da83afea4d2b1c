// A log record, read where it lies in the request.

/// A log record of a request (opentelemetry.proto.logs.v1.LogRecord).
package struct LogRecordView: ~Escapable {
  private let message: MessageView

  @_lifetime(copy bytes)
  init(_ bytes: Span<UInt8>) { message = MessageView(bytes, .logRecord) }

  /// The LogRecord message on the wire.
  package var bytes: Span<UInt8> { @_lifetime(copy self) get { message.bytes } }

  /// When it happened; 0 when unknown.
  package var timeUnixNano: UInt64 { message.fixed64(1) }
  /// When the collecting side saw it.
  package var observedTimeUnixNano: UInt64 { message.fixed64(11) }
  /// SeverityNumber: 0 unspecified, 1-4 trace, 5-8 debug, 9-12 info, 13-16 warn, 17-20 error, 21-24 fatal.
  package var severityNumber: Int32 { message.enumeration(2) }
  package var severityText: TextView { @_lifetime(copy self) get { message.text(3) } }
  /// Reads as empty when there is none; `isPresent` tells.
  package var body: AnyValueView {
    @_lifetime(copy self)
    get { AnyValueView(message.content(5), isPresent: message.has(5)) }
  }
  package var attributes: AttributesView { @_lifetime(copy self) get { message.attributes(6) } }
  package var droppedAttributesCount: UInt32 { message.uint32(7) }
  /// W3C trace flags in the low 8 bits.
  package var flags: UInt32 { message.fixed32(8) }
  /// 16 bytes, or empty.
  package var traceID: BytesView { @_lifetime(copy self) get { message.data(9) } }
  /// 8 bytes, or empty.
  package var spanID: BytesView { @_lifetime(copy self) get { message.data(10) } }
  package var eventName: TextView { @_lifetime(copy self) get { message.text(12) } }
}
