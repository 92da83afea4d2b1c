// Many requests as one.

internal import Bytes
internal import OTLP

extension ByteBuffer {
  /// Appends the payloads of requests, one after the other: protobuf messages merge by concatenation.
  mutating func append(payloadsOf requests: [ExportRequest]) {
    for request in requests { append(request.payload) }
  }
}

extension [ExportRequest] {
  /// Payload bytes in all requests.
  var byteCount: Int { reduce(0) { $0 + $1.payload.count } }

  /// The merged request: the only request's own bytes, or a copy of all.
  var mergedPayload: Bytes {
    if count == 1 { return self[0].payload }
    var buffer = ByteBuffer(capacity: byteCount)
    buffer.append(payloadsOf: self)
    return buffer.finish()
  }
}
