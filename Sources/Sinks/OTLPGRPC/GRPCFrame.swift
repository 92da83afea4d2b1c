// gRPC's frame around a message: a flag, a length, the message.

package import Bytes

/// "gRPC over HTTP2", Length-Prefixed-Message.
package enum GRPCFrame {
  /// The flag and four bytes of length.
  package static let headBytes = 5

  /// Appends what stands in front of a message of `count` bytes.
  package static func appendHead(count: Int, isCompressed: Bool, to buffer: inout ByteBuffer) {
    buffer.append(isCompressed ? 1 : 0)
    for shift in [24, 16, 8, 0] { buffer.append(UInt8(truncatingIfNeeded: count >> shift)) }
  }

  /// The only message of a unary answer; nil when there is none, or a packed one, which nobody asked for.
  package static func message(in body: Bytes) -> Bytes? {
    guard body.count >= headBytes, body[0] == 0 else { return nil }
    let count = (1..<headBytes).reduce(0) { $0 << 8 | Int(body[$1]) }
    return body.count == headBytes + count ? body.slice(headBytes..<body.count) : nil
  }
}
