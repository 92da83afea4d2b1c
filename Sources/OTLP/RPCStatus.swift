// The body of every refusal: google.rpc.Status, in the client's encoding.

package import Bytes

/// A google.rpc.Status: what OTLP/HTTP "Failures" wants in the body of every 4xx and 5xx.
package struct RPCStatus: Sendable, Equatable {
  /// The longest message in bytes; well under the response limit of 4 MiB (OTLP/HTTP Response).
  package static let messageBytesMax = 4096

  /// A google.rpc.Code: 3 invalid argument, 5 not found, 8 resource exhausted, 12 unimplemented, 13 internal,
  /// 14 unavailable.
  package let code: Int
  /// For the client's developer; valid UTF-8 of at most `messageBytesMax` bytes.
  package let message: String

  /// Keeps the message's beginning when it is too long.
  package init(code: Int, message: String) {
    self.code = code
    self.message = message.cut(toBytes: RPCStatus.messageBytesMax)
  }

  /// The body; goes with the content type of the request (OTLP/HTTP "Failures").
  package func encoded(as encoding: Encoding) -> Bytes {
    let text = Bytes(message)
    switch encoding {
    case .protobuf:
      var status = MessageWriter()
      if code != 0 { status.append(field: 1, varint: UInt64(bitPattern: Int64(code))) }
      if !text.isEmpty { status.append(field: 2, content: text.span) }
      return status.finish()
    case .json:
      var buffer = ByteBuffer(capacity: text.count + 32)
      buffer.append("{\"code\":" as StaticString)
      buffer.append(integer: Int64(code))
      buffer.append(",\"message\":" as StaticString)
      buffer.append(jsonText: text.span)
      buffer.append("}" as StaticString)
      return buffer.finish()
    }
  }

  /// The status with a google.rpc.RetryInfo (OTLP/gRPC "Throttling"), as base64 for `grpc-status-details-bin`.
  package func details(retryAfterSeconds seconds: Int) -> String {
    var delay = MessageWriter()
    delay.append(field: 1, varint: UInt64(seconds))
    var info = MessageWriter()
    info.append(field: 1, content: delay.span)
    var detail = MessageWriter()
    detail.append(field: 1, content: Bytes("type.googleapis.com/google.rpc.RetryInfo"))
    detail.append(field: 2, content: info.span)
    var status = MessageWriter()
    status.append(field: 1, varint: UInt64(code))
    status.append(field: 2, content: Bytes(message))
    status.append(field: 3, content: detail.span)
    var text = ByteBuffer()
    // The buffer of a message that is being written has no padding.
    let bytes = Bytes(copying: status.span)
    text.append(base64: bytes.span.range)
    return text.span.text
  }

  /// Reads another collector's reply; nil when the body is no Status, as many servers' are not.
  package init?(decoding body: Bytes, as encoding: Encoding) {
    var code = 0
    var message = ""
    switch encoding {
    case .protobuf:
      guard
        body.span.forEachReplyField({ number, value in
          switch (number, value) {
          case (1, .varint(let value)): code = Int(Int32(truncatingIfNeeded: value))
          case (2, .content(let range)): message = body.slice(range).text
          default: break
          }
        })
      else { return nil }
    case .json:
      guard
        body.forEachReplyMember({ (key, scanner) throws(DecodeError) in
          switch key {
          case "code": code = Int(try scanner.readLenientInteger() ?? 0)
          case "message": message = try scanner.readLenientText() ?? ""
          default: try scanner.skipValue()
          }
        })
      else { return nil }
    }
    self.init(code: code, message: message)
  }
}

extension String {
  /// The text, or its longest beginning of whole characters (Unicode scalars) that fits.
  func cut(toBytes bytesMax: Int) -> String {
    guard utf8.count > bytesMax else { return self }
    var end = utf8.index(utf8.startIndex, offsetBy: bytesMax)
    while utf8[end] & 0xc0 == 0x80 { end = utf8.index(before: end) }
    return String(self[..<end])
  }
}
