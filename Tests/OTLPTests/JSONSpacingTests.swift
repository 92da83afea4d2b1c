// Blanks between tokens change nothing, wherever they are.

import Bytes
import OTLP
import Testing

@Suite("Blanks in JSON")
struct JSONSpacingTests {
  private static let document = """
    {"resourceSpans":[{"resource":{"attributes":[{"key":"n","value":{"intValue":5}},{"key":"s","value":{"stringValue":\
    "x"}},{"key":"b","value":{"boolValue":true}},{"key":"d","value":{"doubleValue":1.5}}]},"scopeSpans":[{"spans":[{\
    "name":"a","kind":2,"startTimeUnixNano":"7","attributes":[{"key":"i","value":{"intValue":"6"}}]}]}]}]}
    """

  /// The places between tokens: beside each mark that is in no string.
  private static let boundaries: [Int] = {
    var (places, isInString): ([Int], Bool) = ([], false)
    for (index, byte) in document.utf8.enumerated() {
      if byte == UInt8(ascii: "\"") { isInString.toggle() }
      if !isInString && "{}[]:,".utf8.contains(byte) { places += [index, index + 1] }
    }
    return places
  }()

  @Test("A blank at any token boundary gives the same request", arguments: [" ", "\n\t", "        "])
  func blanks(blank: String) throws {
    let plain = try ExportRequest(decoding: Bytes(Self.document), as: .json, signal: .traces)
    for place in Self.boundaries {
      var bytes = Array(Self.document.utf8)
      bytes.insert(contentsOf: blank.utf8, at: place)
      let spaced = try ExportRequest(decoding: Bytes(bytes), as: .json, signal: .traces)
      #expect(spaced.payload == plain.payload, "a blank at byte \(place)")
    }
  }

  @Test(
    "A null member is an absent one in compact JSON, too",
    arguments: [
      (#"{"intValue":null}"#, "{}"), (#"{"intValue":null,"stringValue":"x"}"#, #"{"stringValue":"x"}"#),
      (#"{"stringValue":null,"intValue":3}"#, #"{"intValue":3}"#),
      (#"{"intValue":3,"stringValue":null}"#, #"{"intValue":3}"#),
    ])
  func nulls(value: String, same: String) throws {
    func payload(_ value: String) throws -> Bytes {
      let text = #"{"resourceSpans":[{"resource":{"attributes":[{"key":"n","value":"# + value + "}]}}]}"
      return try ExportRequest(decoding: Bytes(text), as: .json, signal: .traces).payload
    }
    #expect(try payload(value) == payload(same))
  }
}
