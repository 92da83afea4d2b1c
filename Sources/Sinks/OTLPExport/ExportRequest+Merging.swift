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

  /// The merged request: the bytes of all, where they lie one behind the other, else a copy.
  var mergedPayload: Bytes {
    let whole = dropFirst().reduce(self[0].payload as Bytes?) { $0?.joined(with: $1.payload) }
    if let whole { return whole }
    var buffer = ByteBuffer(capacity: byteCount)
    buffer.append(payloadsOf: self)
    return buffer.finish()
  }
}
