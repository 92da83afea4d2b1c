// Damaged requests: whatever arrives, a decoder says no or gives a request that holds its invariants.

import Bytes
import OTLP
import Testing

@Suite("Decoding damaged requests")
struct DecodeFuzzTests {
  private static let json: [(Signal, String)] = [
    (
      .traces,
      #"""
      {"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"a\n\u00e9é€😀"}},
      {"key":"n","value":{"intValue":"-5"}},{"key":"l","value":{"arrayValue":{"values":[{"doubleValue":-1.25e3},
      {"boolValue":true},{"kvlistValue":{"values":[{"key":"x","value":{"bytesValue":"AAEC/w=="}}]}}]}}}],
      "entityRefs":[{"type":"t","idKeys":["i","j"]}]},"scopeSpans":[{"scope":{"name":"s","version":"1"},"spans":[
      {"traceId":"5B8EFFF798038103D269B633813FC60C","spanId":"EEE19B7EC3C1B174","parentSpanId":"","flags":257,
      "name":"GET /","kind":2,"startTimeUnixNano":"1544712660000000000","endTimeUnixNano":1544712661000000000,
      "x":{"y":[1,null,{"z":"\u0041"}]},"events":[{"timeUnixNano":"0","name":"e"}],"links":[{"traceId":
      "00000000000000000000000000000001","spanId":"0000000000000002"}],"status":{"code":2,"message":"m"}}]}]}]}
      """#
    ),
    (
      .metrics,
      #"""
      {"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"name":"g","unit":"1","gauge":{"dataPoints":[{"asInt":"3"},
      {"asDouble":"NaN"}]}},{"name":"h","histogram":{"dataPoints":[{"count":"2","sum":0,"min":0,"max":1.5,
      "bucketCounts":["1",1,"18446744073709551615"],"explicitBounds":[0,0.5],"exemplars":[{"asDouble":1,
      "spanId":"0000000000000001","traceId":"00000000000000000000000000000001"}]}],"aggregationTemporality":2}},
      {"exponentialHistogram":{"dataPoints":[{"scale":-2,"positive":{"offset":-1,"bucketCounts":[0,1,300]}}]}},
      {"summary":{"dataPoints":[{"quantileValues":[{"quantile":0.5,"value":2}]}]}},{"sum":{"isMonotonic":true}}]}]}]}
      """#
    ),
    (
      .logs,
      #"""
      {"resourceLogs":[{"schemaUrl":"u","scopeLogs":[{"logRecords":[{"timeUnixNano":"1","severityNumber":9,
      "severityText":"INFO","body":{"stringValue":"hello\tworld"},"attributes":[{"key":"k","value":{}}],"flags":1,
      "traceId":"AAECAwQFBgcICQoLDA0ODw==","spanId":null,"eventName":"e","unknown":[[],{},"",0,-0.5e-7,false]},{}]}]}]}
      """#
    ),
  ]

  private static let tokens = [
    "{", "}", "[", "]", ",", ":", "\"", "\\", "\\u", "\\ud800", "null", "true", "-", "0", "1e999",
    "99999999999999999999",
    "\"key\":", "\"value\":{", "\"traceId\":\"00\",", "\"resource\":{},", "\u{0}", "\u{1f}", "é", "\"sum\":0,",
    "[[[[[[[[",
  ].map { Array($0.utf8) }

  /// Damages a few places; sometimes repeats or drops whole pieces.
  private func damage(_ bytes: [UInt8], tokens: [[UInt8]], _ random: inout SplitMix) -> [UInt8] {
    var bytes = bytes
    for _ in 0..<Int.random(in: 1...4, using: &random) where !bytes.isEmpty {
      let index = Int.random(in: 0..<bytes.count, using: &random)
      let end = min(bytes.count, index + Int.random(in: 1...24, using: &random))
      switch Int.random(in: 0..<7, using: &random) {
      case 0: bytes[index] ^= 1 << UInt8.random(in: 0..<8, using: &random)
      case 1: bytes[index] = UInt8.random(in: 0...255, using: &random)
      case 2: bytes.removeSubrange(index..<end)
      case 3: bytes.insert(contentsOf: bytes[index..<end], at: index)
      case 4: bytes.removeSubrange(index...)
      case 5:
        let other = Int.random(in: 0..<bytes.count, using: &random)
        bytes.insert(contentsOf: bytes[index..<end], at: other)
      default: bytes.insert(contentsOf: tokens.randomElement(using: &random) ?? [], at: index)
      }
    }
    return bytes
  }

  /// Decodes, and checks what an accepted request promises: reading it back changes nothing. Returns its payload.
  private func check(_ bytes: [UInt8], _ encoding: Encoding, _ signal: Signal) throws -> [UInt8]? {
    let request: ExportRequest
    do throws(DecodeError) {
      request = try ExportRequest(decoding: Bytes(copying: bytes.span), as: encoding, signal: signal)
    } catch {
      #expect(error.byte >= 0 && error.byte <= bytes.count && !error.problem.isEmpty)
      return nil
    }
    let again = try ExportRequest(stored: request.payload, signal: signal)
    #expect(again.payload == request.payload, "\(bytes)")
    #expect(again.itemCount == request.itemCount && again.rejected == nil, "\(bytes)")
    return request.payload.array
  }

  @Test("JSON", arguments: 1...12)
  func json(seed: Int) throws {
    var random = SplitMix(seed: UInt64(seed))
    for (signal, text) in DecodeFuzzTests.json {
      #expect(try check(Array(text.utf8), .json, signal) != nil)
      for _ in 0..<300 {
        _ = try check(damage(Array(text.utf8), tokens: DecodeFuzzTests.tokens, &random), .json, signal)
      }
    }
  }

  @Test("Protobuf", arguments: 1...12)
  func protobuf(seed: Int) throws {
    var random = SplitMix(seed: UInt64(seed))
    let tokens: [[UInt8]] = [
      [0x0b], [0x0c], [0x0a, 0x00], [0x12, 0x00], [0xff, 0xff, 0xff, 0xff, 0xff, 0x01], [0x80, 0x80, 0x00],
      [0x7a, 0x00],
      [0x7a, 0x02, 0x18, 0x01], [0x2a, 0x01, 0x61], [0x09, 1, 2, 3, 4, 5, 6, 7, 8], [0x00], [0x5b, 0x5c],
    ]
    for (signal, text) in DecodeFuzzTests.json {
      let payload = try #require(try check(Array(text.utf8), .json, signal))
      for _ in 0..<300 { _ = try check(damage(payload, tokens: tokens, &random), .protobuf, signal) }
    }
  }

  @Test("Noise", arguments: 1...4)
  func noise(seed: Int) throws {
    var random = SplitMix(seed: UInt64(seed))
    for _ in 0..<300 {
      let bytes = (0..<Int.random(in: 0...64, using: &random)).map { _ in UInt8.random(in: 0...255, using: &random) }
      for signal in Signal.allCases {
        _ = try check(bytes, .protobuf, signal)
        _ = try check(bytes, .json, signal)
      }
    }
  }
}
