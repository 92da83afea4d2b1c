// Flat JSON as somebody may have edited it in the store: it is refused, or it is OTLP.

internal import Bytes
internal import OTLP

enum FlatJSONTarget {
  static let target = FuzzTarget(
    name: "flat.json",
    tokens: ExportRequestTargets.jsonTokens
      + [
        "{\"$bytes\":\"", "{\"$double\":\"NaN\"}", "{\"$absent\":null}", "$$", "\"time_unix_nano\":",
        "\"attributes\":{",
      ]
      .map { Array($0.utf8) },
    check: check)

  private static let kinds: [MessageKind] = [.spanEvent, .spanLink, .entityRef, .exemplar, .valueAtQuantile, .buckets]

  private static func check(_ input: [UInt8]) throws -> Bool {
    let json = Bytes(input)
    var isAccepted = try read(json) { (json) throws(DecodeError) in
      try FlatJSON.attributes(from: json, asField: 6).array
    }
    isAccepted =
      try read(json) { (json) throws(DecodeError) in
        let value = try FlatJSON.value(from: json)
        return Wire { $0.field(5, bytes: value.array) }.bytes
      } || isAccepted
    for kind in kinds {
      isAccepted = accepts { () throws(DecodeError) in _ = try FlatJSON.message(from: json, kind) } || isAccepted
      isAccepted =
        accepts { () throws(DecodeError) in _ = try FlatJSON.messages(from: json, kind, asField: 1) } || isAccepted
    }
    for type in [FieldType.fixed64, .double, .uint64] {
      isAccepted =
        accepts { () throws(DecodeError) in _ = try FlatJSON.numbers(from: json, type, asField: 1) } || isAccepted
    }
    return isAccepted
  }

  /// Reads the input as attributes or body of a log record; what is OTLP then converts there and back.
  private static func read(_ json: Bytes, _ body: (Bytes) throws(DecodeError) -> [UInt8]) throws -> Bool {
    let record: [UInt8]
    do throws(DecodeError) { record = try body(json) } catch {
      try require(error.byte >= 0 && error.byte <= json.count, "byte \(error.byte) of \(json.count)")
      return false
    }
    let wire = Wire { $0.field(1) { $0.field(2) { $0.field(2, bytes: record) } } }
    // Flat JSON may nest deeper than a request may: that is refused here, and no store has it.
    guard let request = try? ExportRequest(decoding: Bytes(wire.bytes), as: .protobuf, signal: .logs) else {
      return false
    }
    var visitor = RequestVisitor()
    try visitor.visit(request)
    return true
  }

  private static func accepts(_ body: () throws(DecodeError) -> Void) -> Bool {
    do throws(DecodeError) { try body() } catch { return false }
    return true
  }
}
