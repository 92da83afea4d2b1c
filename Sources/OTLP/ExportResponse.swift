// The reply to an accepted request, written for clients and read from other collectors.

package import Bytes

/// An Export*ServiceResponse, which says at most what was not taken (OTLP "Partial Success").
package enum ExportResponse {
  /// The body of a 200, in the request's encoding.
  ///
  /// Without a rejection: no bytes in protobuf, `{}` in JSON (OTLP/HTTP "Full Success": partial_success is unset).
  /// A rejection of no items is a warning, and the message says which.
  package static func success(
    rejection: ExportRequest.Rejection?, signal: Signal, encoding: Encoding
  ) -> Bytes {
    if rejection == nil, encoding == .protobuf { return Bytes() }
    let message = Bytes(rejection?.message.cut(toBytes: RPCStatus.messageBytesMax) ?? "")
    switch encoding {
    case .protobuf: return protobuf(rejection, message)
    case .json: return json(rejection, message, signal)
    }
  }

  private static func protobuf(_ rejection: ExportRequest.Rejection?, _ message: Bytes) -> Bytes {
    guard let rejection else { return Bytes() }
    var partial = MessageWriter()
    if rejection.itemCount != 0 { partial.append(field: 1, varint: UInt64(rejection.itemCount)) }
    if !message.isEmpty { partial.append(field: 2, content: message.span) }
    var response = MessageWriter()
    response.append(field: 1, content: partial.span)
    return response.finish()
  }

  private static func json(_ rejection: ExportRequest.Rejection?, _ message: Bytes, _ signal: Signal) -> Bytes {
    var buffer = ByteBuffer(capacity: message.count + 80)
    guard let rejection else {
      buffer.append("{}" as StaticString)
      return buffer.finish()
    }
    buffer.append("{\"partialSuccess\":{" as StaticString)
    if rejection.itemCount != 0 {
      buffer.append("\"\(countName(of: signal))\":\"")
      buffer.append(integer: UInt64(rejection.itemCount))
      buffer.append("\"" as StaticString)
      if !message.isEmpty { buffer.append(UInt8(ascii: ",")) }
    }
    if !message.isEmpty {
      buffer.append("\"errorMessage\":" as StaticString)
      buffer.append(jsonText: message.span)
    }
    buffer.append("}}" as StaticString)
    return buffer.finish()
  }

  private static func countName(of signal: Signal) -> String {
    switch signal {
    case .traces: "rejectedSpans"
    case .metrics: "rejectedDataPoints"
    case .logs: "rejectedLogRecords"
    }
  }

  /// What another collector did not take, from the body of its 2xx.
  ///
  /// Nil when it took everything, and when the body cannot be read: a 2xx is never retried, whatever its body.
  package static func rejection(
    in body: Bytes, encoding: Encoding, signal: Signal
  ) -> ExportRequest.Rejection? {
    var count: Int64 = 0
    var message = ""
    let isReadable =
      switch encoding {
      case .protobuf: read(protobuf: body, &count, &message)
      case .json: read(json: body, signal, &count, &message)
      }
    guard isReadable, count > 0 || !message.isEmpty else { return nil }
    return ExportRequest.Rejection(
      itemCount: Int(max(count, 0)), message: message.cut(toBytes: RPCStatus.messageBytesMax))
  }

  private static func read(protobuf body: Bytes, _ count: inout Int64, _ message: inout String) -> Bool {
    var partial: Range<Int>?
    let isReadable = body.span.forEachReplyField { number, value in
      if case (1, .content(let range)) = (number, value) { partial = range }
    }
    guard isReadable, let partial else { return isReadable }
    return body.span.forEachReplyField(in: partial) { number, value in
      switch (number, value) {
      case (1, .varint(let value)): count = Int64(bitPattern: value)
      case (2, .content(let range)): message = body.slice(range).text
      default: break
      }
    }
  }

  private static func read(
    json body: Bytes, _ signal: Signal, _ count: inout Int64, _ message: inout String
  ) -> Bool {
    let names = [countName(of: signal), countName(of: signal).snakeCased]
    return body.forEachReplyMember { (key, scanner) throws(DecodeError) in
      guard key == "partialSuccess" || key == "partial_success", scanner.peek() == UInt8(ascii: "{") else {
        return try scanner.skipValue()
      }
      try scanner.readObject { (scanner, key) throws(DecodeError) in
        if names.contains(key.text) {
          count = try scanner.readLenientInteger() ?? 0
        } else if key.text == "errorMessage" || key.text == "error_message" {
          message = try scanner.readLenientText() ?? ""
        } else {
          try scanner.skipValue()
        }
      }
    }
  }
}
