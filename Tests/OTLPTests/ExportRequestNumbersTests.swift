// Numbers in JSON arrive exactly, or not at all.

import Bytes
import Fuzzing
import OTLP
import Testing

@Suite("ExportRequest: numbers in JSON")
struct ExportRequestNumbersTests {
  /// Numbers as they are and as strings.
  private func forms(_ number: String) -> [String] { [number, "\"\(number)\""] }

  @Test(
    "Unsigned 64-bit integers over their whole range, in every form of proto3 JSON",
    arguments: [
      ("0", 0), ("-0", 0), ("1", 1), ("12345678", 12_345_678), ("123456789", 123_456_789),
      ("9007199254740993", 9_007_199_254_740_993), ("9999999999999999999", 9_999_999_999_999_999_999),
      ("10000000000000000000", 10_000_000_000_000_000_000), ("18446744073709551615", UInt64.max), ("1e3", 1000),
      ("1E+3", 1000), ("5.0", 5), ("1.5e1", 15), ("0.00012e5", 12), ("1200e-2", 12), ("0e99999999999999999999", 0),
      ("0.0", 0), ("18446744073709551615.000", UInt64.max), ("1844674407370955161.5e1", UInt64.max),
      ("1e19", 10_000_000_000_000_000_000), ("184467440737095516150e-1", UInt64.max),
    ] as [(String, UInt64)])
  func unsigned(text: String, value: UInt64) throws {
    for form in forms(text) {
      let request = try decode(JSONText.request(span: #""startTimeUnixNano":\#(form)"#))
      #expect(request.payload.array == Encoded.request(span: Encoded.fixed64(7, value)), "\(form)")
      let buckets = #""exponentialHistogram":{"dataPoints":[{"positive":{"bucketCounts":[\#(form)]}}]}"#
      let packed = try decode(JSONText.request(metric: buckets), .metrics)
      let point = Encoded.message(1, Encoded.message(8, Encoded.bytes(2, Encoded.varint(value))))
      #expect(packed.payload.array == Encoded.request(metric: Encoded.message(10, point)), "\(form)")
    }
  }

  @Test(
    "Signed 64-bit integers over their whole range",
    arguments: [
      ("9223372036854775807", Int64.max), ("-9223372036854775808", Int64.min), ("-1", -1), ("-0", 0), ("-5.0", -5),
      ("-1e3", -1000), ("-922337203685477580.8e1", Int64.min), ("4611686018427387904", 1 << 62),
    ] as [(String, Int64)])
  func signed(text: String, value: Int64) throws {
    for form in forms(text) {
      let request = try decode(JSONText.request(value: #"{"intValue":\#(form)}"#), .logs)
      #expect(request.payload.array == Encoded.request(value: Encoded.signed(3, value)), "\(form)")
      let attribute = try decode(
        JSONText.request(logRecord: #""attributes":[{"key":"","value":{"intValue":\#(form)}}]"#), .logs)
      let pair = Encoded.message(6, Encoded.text(1, ""), Encoded.message(2, Encoded.signed(3, value)))
      #expect(attribute.payload.array == Encoded.request(logRecord: pair), "\(form)")
      let point = try decode(JSONText.request(metric: #""gauge":{"dataPoints":[{"asInt":\#(form)}]}"#), .metrics)
      let expected = Encoded.message(5, Encoded.message(1, Encoded.fixed64(6, UInt64(bitPattern: value))))
      #expect(point.payload.array == Encoded.request(metric: expected), "\(form)")
    }
  }

  @Test("32-bit integers have their bounds")
  func narrow() throws {
    for form in forms("4294967295") {
      #expect(
        try decode(JSONText.request(span: #""flags":\#(form),"droppedLinksCount":\#(form)"#)).payload.array
          == Encoded.request(span: Encoded.fixed32(16, .max), Encoded.number(14, 4_294_967_295)))
    }
    for (text, zigzag) in [("-2147483648", UInt64(UInt32.max)), ("2147483647", UInt64(UInt32.max - 1)), ("-1", 1)] {
      for form in forms(text) {
        let json = #""exponentialHistogram":{"dataPoints":[{"scale":\#(form)}]}"#
        #expect(
          try decode(JSONText.request(metric: json), .metrics).payload.array
            == Encoded.request(metric: Encoded.message(10, Encoded.message(1, Encoded.number(6, zigzag)))))
      }
    }
  }

  @Test(
    "Integers that do not fit, or are none, are refused",
    arguments: [
      #""startTimeUnixNano":18446744073709551616"#, #""startTimeUnixNano":-1"#, #""startTimeUnixNano":"-1""#,
      #""startTimeUnixNano":1.5"#, #""startTimeUnixNano":1e-1"#, #""startTimeUnixNano":"1.""#,
      #""startTimeUnixNano":1e99999999999999999999"#, #""startTimeUnixNano":99999999999999999999999"#,
      #""startTimeUnixNano":"""#, #""startTimeUnixNano":" 1""#, #""startTimeUnixNano":"1 ""#,
      #""startTimeUnixNano":+1"#, #""startTimeUnixNano":01"#, #""startTimeUnixNano":-"#, #""startTimeUnixNano":1e"#,
      #""startTimeUnixNano":0x10"#, #""startTimeUnixNano":"NaN""#, #""startTimeUnixNano":true"#,
      #""startTimeUnixNano":"00000000000000000001""#, #""startTimeUnixNano":"12345678901234567890123""#,
      #""flags":4294967296"#, #""flags":-1"#, #""droppedLinksCount":4294967296"#, #""kind":2147483648"#,
      #""kind":-2147483649"#, #""kind":"SPAN_KIND_NONE""#, #""kind":"""#, #""kind":"STATUS_CODE_OK""#,
      #""kind":"SPAN_KIND_SERVER2""#, #""kind":"SPAN_KIND_""#, #""kind":"server""#, #""kind":1.5"#,
      #""attributes":[{"key":"a","value":{"intValue":9223372036854775808}}]"#,
      #""attributes":[{"key":"a","value":{"intValue":-9223372036854775809}}]"#,
      #""attributes":[{"key":"a","value":{"intValue":"1.5"}}]"#,
    ])
  func refusedIntegers(field: String) {
    #expect(throws: DecodeError.self) { try decode(JSONText.request(span: field)) }
  }

  @Test(
    "Doubles arrive to the last digit",
    arguments: [
      "0", "0.0", "1", "1.5", "-1.5", "0.1", "123456789.125", "9007199254740993", "1e22", "1e23", "-1E-7",
      "1.7976931348623157e308", "5e-324", "2.2250738585072011e-308", "4.9406564584124654e-324", "0.3", "1e-400",
      "179769313486231570000000000000000000000.5", "3.141592653589793238462643383279502884197169399375",
      "0.1000000000000000055511151231257827021181583404541015625", "8.41e21", "9007199254740992.5", "1e-22",
    ])
  func doubles(text: String) throws {
    let value = try #require(Double(text))
    for form in forms(text) {
      let request = try decode(JSONText.request(value: #"{"doubleValue":\#(form)}"#), .logs)
      #expect(request.payload.array == Encoded.request(value: Encoded.double(4, value)), "\(form)")
    }
  }

  @Test("Random doubles arrive to the last digit")
  func randomDoubles() throws {
    var random = SplitMix(seed: 20_261_121)
    for _ in 0..<2000 {
      let value = Double(bitPattern: random.next())
      guard value.isFinite else { continue }
      let request = try decode(JSONText.request(value: #"{"doubleValue":\#(value)}"#), .logs)
      #expect(request.payload.array == Encoded.request(value: Encoded.double(4, value)), "\(value)")
    }
  }

  @Test("What is not finite is a string")
  func notFinite() throws {
    for (text, value) in [("NaN", Double.nan), ("Infinity", .infinity), ("-Infinity", -.infinity)] {
      let request = try decode(JSONText.request(value: #"{"doubleValue":"\#(text)"}"#), .logs)
      #expect(request.payload.array == Encoded.request(value: Encoded.double(4, value)))
      #expect(throws: DecodeError.self) { try decode(JSONText.request(value: #"{"doubleValue":\#(text)}"#), .logs) }
    }
  }

  @Test(
    "Doubles that do not fit, or are none, are refused",
    arguments: [
      "1e400", "-1e400", "1.8e308", ".5", "5.", "1e", "1e+", "-", "+1", "00", "01.5", "0x1p3", "inf", "nan", "\"nan\"",
      "\"inf\"", "\"+Infinity\"", "\"\"", "\"1e400\"", "\" 1\"", "\"1x\"", "true", "[]", "{}", "1.5.5", "1e5e5",
    ])
  func refusedDoubles(text: String) {
    #expect(throws: DecodeError.self) { try decode(JSONText.request(value: #"{"doubleValue":\#(text)}"#), .logs) }
  }
}
