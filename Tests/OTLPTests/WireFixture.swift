// Requests and texts that tests build field by field.

import Bytes
import Fuzzing
import OTLP

extension ExportRequest {
  /// A request with one resource, one scope and the given items.
  static func fixture(
    _ signal: Signal, resource: ((inout Wire) -> Void)? = nil, scope: ((inout Wire) -> Void)? = nil,
    items: (inout Wire) -> Void
  ) throws -> ExportRequest {
    let wire = Wire { request in
      request.field(1) { envelope in
        if let resource { envelope.field(1, resource) }
        envelope.field(2) { envelope in
          if let scope { envelope.field(1, scope) }
          items(&envelope)
        }
      }
    }
    return try ExportRequest(decoding: Bytes(wire.bytes), as: .protobuf, signal: signal)
  }
}

/// What `body` appends, as text.
func appended(_ body: (inout ByteBuffer) -> Void) -> String {
  var buffer = ByteBuffer()
  body(&buffer)
  return buffer.finish().text
}
