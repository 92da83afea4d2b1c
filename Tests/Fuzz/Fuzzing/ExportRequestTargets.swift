// Export requests in both encodings: a decoder says no, or gives a request that keeps every promise.

internal import Bytes
internal import OTLP

/// One target per signal and encoding: `traces.json`, `traces.pb`, …
enum ExportRequestTargets {
  static let all = Signal.allCases.flatMap { [json($0), protobuf($0)] }

  private static func json(_ signal: Signal) -> FuzzTarget {
    FuzzTarget(
      name: "\(signal.name).json", tokens: jsonTokens,
      generate: { random in
        let wire = Bytes(message(signal, &random))
        guard let request = try? ExportRequest(decoding: wire, as: .protobuf, signal: signal) else { return wire.array }
        return Array(request.json.utf8)
      },
      check: { try check($0, .json, signal) })
  }

  private static func protobuf(_ signal: Signal) -> FuzzTarget {
    FuzzTarget(
      name: "\(signal.name).pb", tokens: protobufTokens, generate: { message(signal, &$0) },
      check: { try check($0, .protobuf, signal) })
  }

  /// A random request; deep enough inside to be small.
  private static func message(_ signal: Signal, _ random: inout SplitMix) -> [UInt8] {
    var messages = RandomMessages(seed: random.next())
    return messages.message(.request(of: signal), depth: 4).bytes
  }

  static let jsonTokens = [
    "{", "}", "[", "]", ",", ":", "\"", "\\", "\\u", "\\ud800", "\\udc00", "\\u0000", "null", "true", "-", "0", "1e999",
    "1e3", "5.0", "-0.0", "\"NaN\"", "99999999999999999999", "9007199254740993", "18446744073709551615",
    "\"key\":", "\"value\":{", "\"traceId\":\"00\",", "\"trace_id\":null,", "\"resource\":{},", "\"intValue\":\"7\",",
    "\"bytesValue\":\"-_8\",", "\"sum\":0,", "\"bucketCounts\":[1,\"2\"],", "\u{0}", "\u{1f}", "\u{e9}", "\u{feff}",
    " \t\r\n", "[[[[[[[[", "\"kvlistValue\":{\"values\":[{", "{\"arrayValue\":{\"values\":[",
  ].map { Array($0.utf8) }

  private static let protobufTokens: [[UInt8]] = [
    [0x00], [0x0b], [0x0c], [0x0b, 0x0c], [0x5b, 0x5c], [0x0a, 0x00], [0x12, 0x00], [0x7a, 0x00], [0x07], [0x06],
    [0x7a, 0x02, 0x18, 0x01], [0x2a, 0x01, 0x61], [0x09, 1, 2, 3, 4, 5, 6, 7, 8], [0x0d, 1, 2, 3, 4],
    [0x80, 0x80, 0x00], [0xff, 0xff, 0xff, 0xff, 0xff, 0x01], [0xff, 0xff, 0xff, 0xff, 0x0f],
    [0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00],
    [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01], [0x0a, 0x01, 0xff], [0xed, 0xa0, 0x80],
  ]

  // MARK: The promises

  private static func check(_ input: [UInt8], _ encoding: Encoding, _ signal: Signal) throws -> Bool {
    let request: ExportRequest
    do throws(DecodeError) {
      request = try ExportRequest(decoding: Bytes(input), as: encoding, signal: signal)
    } catch {
      try check(error, input)
      return false
    }
    if let rejection = request.rejected { try check(rejection, signal) }
    let again = try decode(request.payload, .protobuf, signal, "the payload")
    try require(again.payload == request.payload, "the payload changes when it is read back")
    try require(again.itemCount == request.itemCount && again.rejected == nil, "the payload has other items")
    var visitor = RequestVisitor()
    try visitor.visit(request)
    try require(visitor.items == request.itemCount, "\(request.itemCount) items, \(visitor.items) visited")
    try checkForms(request)
    return true
  }

  /// A refusal names a place in the input, and its text can be sent to the client.
  private static func check(_ error: DecodeError, _ input: [UInt8]) throws {
    try require(error.byte >= 0 && error.byte <= input.count, "byte \(error.byte) of \(input.count)")
    try require(!error.problem.isEmpty, "a refusal without a reason")
    let status = RPCStatus(code: 3, message: error.description)
    for encoding in [Encoding.json, .protobuf] {
      let body = status.encoded(as: encoding)
      try require(encoding == .protobuf || isUTF8(body), "a refusal that is no UTF-8")
      try require(RPCStatus(decoding: body, as: encoding) == status, "a refusal that cannot be read: \(error)")
    }
  }

  /// What was dropped is told in a reply that can be read.
  private static func check(_ rejection: ExportRequest.Rejection, _ signal: Signal) throws {
    try require(!rejection.message.isEmpty, "items were dropped without a reason")
    try require(signal == .logs ? rejection.itemCount == 0 : rejection.itemCount > 0, "\(rejection)")
    for encoding in [Encoding.json, .protobuf] {
      let reply = ExportResponse.success(rejection: rejection, signal: signal, encoding: encoding)
      let read = ExportResponse.rejection(in: reply, encoding: encoding, signal: signal)
      try require(read?.itemCount == rejection.itemCount, "\(rejection) is read as \(String(describing: read))")
      try require(read.map { rejection.message.hasPrefix($0.message) } == true, "\(rejection) loses its reason")
    }
  }

  /// JSON, protobuf, and unusual protobuf of one message are one message.
  private static func checkForms(_ request: ExportRequest) throws {
    let signal = request.signal
    let json = request.json
    let fromJSON = try decode(Bytes(json), .json, signal, "its JSON")
    try require(
      fromJSON.itemCount == request.itemCount && fromJSON.rejected == nil, "its JSON has other items: \(json)")
    try require(fromJSON.leniencies == .init(), "its JSON is not ours: \(json)")
    try require(fromJSON.json == json, "its JSON changes:\n\(json)\n\(fromJSON.json)")
    // What came from our JSON has no unknown fields and every field in its place: its other forms give equal bytes.
    var variant = WireVariant(seed: UInt64(fromJSON.payload.count))
    let unusual = Bytes(variant.rewrite(fromJSON.payload.array, .request(of: signal)))
    let canonical = try decode(unusual, .protobuf, signal, "an unusual form of it")
    try require(
      canonical.itemCount == request.itemCount && canonical.rejected == nil, "an unusual form has other items")
    try require(canonical.json == json, "an unusual form differs: \(unusual.array)\n\(json)\n\(canonical.json)")
    let last = try decode(Bytes(canonical.json), .json, signal, "the JSON of an unusual form")
    try require(last.payload == fromJSON.payload, "JSON and protobuf of one message differ: \(json)")
  }

  private static func decode(
    _ bytes: Bytes, _ encoding: Encoding, _ signal: Signal, _ what: String
  ) throws -> ExportRequest {
    do throws(DecodeError) {
      return try ExportRequest(decoding: bytes, as: encoding, signal: signal)
    } catch {
      throw FuzzFailure("\(what) is refused: \(error)\n\(encoding == .json ? bytes.text : "\(bytes.array)")")
    }
  }
}

/// Whether the bytes are UTF-8.
func isUTF8(_ bytes: Bytes) -> Bool { String(validating: bytes.array, as: UTF8.self) != nil }
