// HTTP/2 frames as a client writes them, and as a server's output is read.

/// Frames of a client (RFC 9113 section 6); header blocks are literals without compression (RFC 7541 section 6.2.2).
enum Frames {
  static let endStream: UInt8 = 0x1
  static let acknowledge: UInt8 = 0x1
  static let endHeaders: UInt8 = 0x4
  static let padded: UInt8 = 0x8

  /// The preface with the client's SETTINGS.
  static func opening(_ settings: [(id: UInt16, value: UInt32)] = []) -> [UInt8] {
    Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8)
      + frame(4, payload: settings.flatMap { big($0.id) + big($0.value) })
  }

  static func frame(_ type: UInt8, flags: UInt8 = 0, stream: Int = 0, payload: [UInt8] = []) -> [UInt8] {
    Array(big(UInt32(payload.count)).dropFirst()) + [type, flags] + big(UInt32(stream)) + payload
  }

  static func block(_ fields: [(String, String)]) -> [UInt8] {
    fields.flatMap { name, value in [0] + text(name) + text(value) }
  }

  static func headers(_ stream: Int, _ fields: [(String, String)], ends: Bool = false) -> [UInt8] {
    frame(1, flags: endHeaders | (ends ? endStream : 0), stream: stream, payload: block(fields))
  }

  static func data(_ stream: Int, _ bytes: [UInt8], ends: Bool = false) -> [UInt8] {
    frame(0, flags: ends ? endStream : 0, stream: stream, payload: bytes)
  }

  static func reset(_ stream: Int) -> [UInt8] { frame(3, stream: stream, payload: big(UInt32(8))) }
  static func ping() -> [UInt8] { frame(6, payload: Array(1...8)) }

  /// The header list of an export call.
  static func call(
    path: String = "/opentelemetry.proto.collector.trace.v1.TraceService/Export", _ more: [(String, String)] = []
  ) -> [(String, String)] {
    [
      (":method", "POST"), (":scheme", "http"), (":path", path), (":authority", "localhost:4317"),
      ("content-type", "application/grpc"), ("te", "trailers"),
    ] + more
  }

  /// A message behind its length.
  static func message(_ bytes: [UInt8], compressed: UInt8 = 0, length: Int? = nil) -> [UInt8] {
    [compressed] + big(UInt32(length ?? bytes.count)) + bytes
  }

  /// A whole call with one message in one DATA frame.
  static func export(_ stream: Int, _ bytes: [UInt8] = [1, 2, 3], _ more: [(String, String)] = []) -> [UInt8] {
    headers(stream, call(more)) + data(stream, message(bytes), ends: true)
  }

  private static func big<Number: FixedWidthInteger>(_ number: Number) -> [UInt8] {
    (0..<Number.bitWidth / 8).reversed().map { UInt8(truncatingIfNeeded: number >> Number($0 * 8)) }
  }

  /// RFC 7541 section 5.2, with a length of one byte or, from 127 on, of several.
  private static func text(_ text: String) -> [UInt8] {
    let bytes = Array(text.utf8)
    if bytes.count < 127 { return [UInt8(bytes.count)] + bytes }
    var prefix: [UInt8] = [127]
    var rest = bytes.count - 127
    while rest >= 128 {
      prefix.append(UInt8(rest % 128) | 128)
      rest /= 128
    }
    return prefix + [UInt8(rest)] + bytes
  }
}

/// A frame that the server sent.
struct SentFrame: Equatable {
  let type: UInt8
  let flags: UInt8
  let stream: Int
  let payload: [UInt8]

  /// The frames in `bytes`; nil when they do not end with a frame.
  static func all(in bytes: [UInt8]) -> [SentFrame]? {
    var frames: [SentFrame] = []
    var index = 0
    while index < bytes.count {
      guard index + 9 <= bytes.count else { return nil }
      let length = bytes[index..<(index + 3)].reduce(0) { $0 << 8 | Int($1) }
      guard index + 9 + length <= bytes.count else { return nil }
      frames.append(
        SentFrame(
          type: bytes[index + 3], flags: bytes[index + 4],
          stream: bytes[(index + 5)..<(index + 9)].reduce(0) { $0 << 8 | Int($1) },
          payload: Array(bytes[(index + 9)..<(index + 9 + length)])))
      index += 9 + length
    }
    return frames
  }

  /// The error code at the end of the fixed part of RST_STREAM and GOAWAY.
  var code: Int {
    let start = type == 7 ? 4 : 0
    return payload[start..<(start + 4)].reduce(0) { $0 << 8 | Int($1) }
  }
}
