// The flat form of a part of a request, read back and written again.

internal import Bytes
internal import OTLP

/// Flat JSON converts back, and what comes back has the same flat form.
enum FlatRoundTrip {
  static func check(_ attributes: borrowing AttributesView) throws {
    let text = write { FlatJSON.append(attributes, to: &$0) }
    let wire = try read(text) { (json) throws(DecodeError) in try FlatJSON.attributes(from: json, asField: 6) }
    try check(text, inRecord: wire.array) { record, buffer in FlatJSON.append(record.attributes, to: &buffer) }
  }

  static func check(_ value: borrowing AnyValueView) throws {
    let text = write { FlatJSON.append(value, to: &$0) }
    let wire = try read(text) { (json) throws(DecodeError) in try FlatJSON.value(from: json) }
    try check(text, inRecord: Wire { $0.field(5, bytes: wire.array) }.bytes) { record, buffer in
      FlatJSON.append(record.body, to: &buffer)
    }
  }

  /// `kind` is that of the messages in the list.
  static func check(_ messages: borrowing MessagesView, _ kind: MessageKind) throws {
    let text = write { FlatJSON.append(messages, to: &$0) }
    let (number, signal) = home(of: kind)
    let wire = try read(text) { (json) throws(DecodeError) in
      try FlatJSON.messages(from: json, kind, asField: number)
    }
    let request = try decode(wire.array, in: kind, signal, text)
    var second = Bytes()
    request.forEachSpan { resource, _, span in
      second = write { buffer in
        switch kind {
        case .spanEvent: FlatJSON.append(span.events, to: &buffer)
        case .spanLink: FlatJSON.append(span.links, to: &buffer)
        default: FlatJSON.append(resource.entityRefs, to: &buffer)
        }
      }
    }
    request.forEachMetric { _, _, metric in
      metric.forEachDataPoint { point in
        second = write { buffer in
          if kind == .exemplar {
            FlatJSON.append(point.exemplars, to: &buffer)
          } else {
            FlatJSON.append(point.quantiles, to: &buffer)
          }
        }
      }
    }
    try require(second == text, "flat JSON changes:\n\(text.text)\n\(second.text)")
  }

  /// The field that holds messages of a kind, and the signal it is a part of.
  private static func home(of kind: MessageKind) -> (number: Int, signal: Signal) {
    switch kind {
    case .spanEvent: (11, .traces)
    case .spanLink: (13, .traces)
    case .entityRef: (3, .traces)
    case .exemplar: (5, .metrics)
    default: (6, .metrics)
    }
  }

  /// A request with these fields at home.
  private static func decode(
    _ fields: [UInt8], in kind: MessageKind, _ signal: Signal, _ text: Bytes
  ) throws -> ExportRequest {
    let wire = Wire { request in
      request.field(1) { group in
        if kind == .entityRef { group.field(1, bytes: fields) }
        group.field(2) { scope in
          scope.field(2) { item in
            switch kind {
            case .entityRef: break
            case .exemplar: item.field(5) { $0.field(1, bytes: fields) }
            case .valueAtQuantile: item.field(11) { $0.field(1, bytes: fields) }
            default: item = Wire(bytes: fields)
            }
          }
        }
      }
    }
    return try decode(wire.bytes, signal, text)
  }

  static func check(_ numbers: borrowing NumbersView, _ type: FieldType) throws {
    let text = write { FlatJSON.append(numbers, to: &$0) }
    let wire = try read(text) { (json) throws(DecodeError) in try FlatJSON.numbers(from: json, type, asField: 1) }
    var elements: [[UInt8]] = []
    if let packed = WireMessage(wire.array).fields.first { elements = WireMessage.elements(of: packed.content, type) }
    try require(elements.count == numbers.count, "flat JSON of another length: \(text.text)")
  }

  static func check(_ buckets: borrowing BucketsView) throws {
    let text = write { FlatJSON.append(buckets, to: &$0) }
    _ = try read(text) { (json) throws(DecodeError) in try FlatJSON.message(from: json, .buckets) }
  }

  /// Reads the record that a part was put into, and writes that part again.
  private static func check(
    _ text: Bytes, inRecord fields: [UInt8], _ again: (borrowing LogRecordView, inout ByteBuffer) -> Void
  ) throws {
    // A value may lie as deep in its request as it goes, so no deeper than it was here.
    let wire = Wire { $0.field(1) { $0.field(2) { $0.field(2, bytes: fields) } } }
    let request = try decode(wire.bytes, .logs, text)
    try request.forEachLogRecord { (_, _, record) throws in
      let second = write { again(record, &$0) }
      try require(second == text, "flat JSON changes:\n\(text.text)\n\(second.text)")
    }
  }

  private static func decode(_ wire: [UInt8], _ signal: Signal, _ text: Bytes) throws -> ExportRequest {
    do throws(DecodeError) {
      return try ExportRequest(decoding: Bytes(wire), as: .protobuf, signal: signal)
    } catch {
      throw FuzzFailure("flat JSON gives no OTLP: \(error)\n\(text.text)")
    }
  }

  private static func write(_ body: (inout ByteBuffer) -> Void) -> Bytes {
    var buffer = ByteBuffer()
    body(&buffer)
    return buffer.finish()
  }

  private static func read(_ text: Bytes, _ body: (Bytes) throws(DecodeError) -> Bytes) throws -> Bytes {
    try require(isUTF8(text), "flat JSON that is no UTF-8: \(text.array)")
    do throws(DecodeError) { return try body(text) } catch {
      throw FuzzFailure("flat JSON cannot be read: \(error)\n\(text.text)")
    }
  }
}
