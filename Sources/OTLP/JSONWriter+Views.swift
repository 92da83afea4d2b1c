// A request and its parts in OTLP's JSON encoding.

package import Bytes

extension ExportRequest {
  /// Appends the request as one JSON object (OTLP "JSON Protobuf Encoding"), without white space or a line end.
  package func appendJSON(to buffer: inout ByteBuffer) {
    JSONWriter.otlp.append(payload.span.range, MessageKind.request(of: signal).rawValue, to: &buffer)
  }
}

extension AnyValueView {
  /// Appends the value in OTLP's JSON encoding: `{"intValue":"5"}`.
  package func appendJSON(to buffer: inout ByteBuffer) {
    JSONWriter.otlp.append(bytes.range, MessageKind.anyValue.rawValue, to: &buffer)
  }
}

extension AttributesView {
  /// Appends the list in OTLP's JSON encoding: `[{"key":"n","value":{"intValue":"5"}}]`.
  package func appendJSON(to buffer: inout ByteBuffer) {
    JSONWriter.otlp.append(messages: messages.field, messages.number, messages.kind.rawValue, to: &buffer)
  }
}

extension MessagesView {
  /// Appends the list, of events or links for example, in OTLP's JSON encoding.
  package func appendJSON(to buffer: inout ByteBuffer) {
    JSONWriter.otlp.append(messages: field, number, kind.rawValue, to: &buffer)
  }
}
