// Protobuf by hand: the fields that tests send and expect.

import Bytes
import OTLP

/// Builds protobuf bytes field by field, also such as no encoder would.
enum Encoded {
  /// A varint in at least `width` bytes.
  static func varint(_ value: UInt64, width: Int = 1) -> [UInt8] {
    var (rest, bytes): (UInt64, [UInt8]) = (value, [])
    repeat {
      bytes.append(UInt8(rest & 0x7f) | 0x80)
      rest >>= 7
    } while rest > 0 || bytes.count < width
    bytes[bytes.count - 1] &= 0x7f
    return bytes
  }

  static func tag(_ number: UInt64, _ type: UInt64) -> [UInt8] { varint(number << 3 | type) }

  static func number(_ field: UInt64, _ value: UInt64) -> [UInt8] { tag(field, 0) + varint(value) }

  static func signed(_ field: UInt64, _ value: Int64) -> [UInt8] { number(field, UInt64(bitPattern: value)) }

  static func fixed64(_ field: UInt64, _ value: UInt64) -> [UInt8] { tag(field, 1) + eight(value) }

  static func double(_ field: UInt64, _ value: Double) -> [UInt8] { fixed64(field, value.bitPattern) }

  static func fixed32(_ field: UInt64, _ value: UInt32) -> [UInt8] {
    tag(field, 5) + (0..<4).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
  }

  static func bytes(_ field: UInt64, _ value: [UInt8]) -> [UInt8] {
    tag(field, 2) + varint(UInt64(value.count)) + value
  }

  static func text(_ field: UInt64, _ value: String) -> [UInt8] { bytes(field, Array(value.utf8)) }

  static func message(_ field: UInt64, _ fields: [UInt8]...) -> [UInt8] { bytes(field, fields.flatMap { $0 }) }

  static func group(_ field: UInt64, _ fields: [UInt8]...) -> [UInt8] {
    tag(field, 3) + fields.flatMap { $0 } + tag(field, 4)
  }

  static func eight(_ value: UInt64) -> [UInt8] { (0..<8).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) } }

  // Requests around one item, in the canonical form.

  static func request(span fields: [UInt8]...) -> [UInt8] {
    message(1, message(2, message(2, fields.flatMap { $0 })))
  }

  static func request(logRecord fields: [UInt8]...) -> [UInt8] {
    message(1, message(2, message(2, fields.flatMap { $0 })))
  }

  static func request(metric fields: [UInt8]...) -> [UInt8] {
    message(1, message(2, message(2, fields.flatMap { $0 })))
  }

  /// A request with one log record whose body is an AnyValue of these fields.
  static func request(value fields: [UInt8]...) -> [UInt8] {
    request(logRecord: message(5, fields.flatMap { $0 }))
  }
}

/// The JSON of requests around one item.
enum JSONText {
  static func request(span fields: String) -> String {
    #"{"resourceSpans":[{"scopeSpans":[{"spans":[{\#(fields)}]}]}]}"#
  }

  static func request(logRecord fields: String) -> String {
    #"{"resourceLogs":[{"scopeLogs":[{"logRecords":[{\#(fields)}]}]}]}"#
  }

  static func request(metric fields: String) -> String {
    #"{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{\#(fields)}]}]}]}"#
  }

  /// A request with one log record whose body is this AnyValue.
  static func request(value: String) -> String { request(logRecord: #""body":\#(value)"#) }

  /// A request with one histogram point.
  static func request(histogramPoint fields: String) -> String {
    request(metric: #""histogram":{"dataPoints":[{\#(fields)}]}"#)
  }
}

func decode(_ json: String, _ signal: Signal = .traces) throws -> ExportRequest {
  try ExportRequest(decoding: Bytes(copying: Array(json.utf8).span), as: .json, signal: signal)
}

func decode(_ protobuf: [UInt8], _ signal: Signal = .traces) throws -> ExportRequest {
  try ExportRequest(decoding: Bytes(copying: protobuf.span), as: .protobuf, signal: signal)
}
