// Numbers in OTLP's JSON encoding.

import Bytes
import Fuzzing
import OTLP
import Testing

struct JSONNumbersTests {
  /// The letters of an attribute value of this double.
  private func letters(_ value: Double) throws -> String {
    let request = try ExportRequest.fixture(.logs) { $0.field(2) { $0.field(5) { $0.field(4, double: value) } } }
    var text = ""
    request.forEachLogRecord { _, _, record in text = appended { FlatJSON.append(record.body, to: &$0) } }
    return text
  }

  @Test("Doubles are written in the shortest form that reads back the same, as the standard library has it")
  func doubles() throws {
    var random = SplitMix(seed: 11)
    var values = [0, -0.0, 1, 9.5, 1e-4, 9.9999e-5, 1e-6, 999_999_999.999_999, 1e9, 1e15, 1e16, 0.1 + 0.2, 5e-7]
    for _ in 0..<2000 {
      let places = Double(Int(random.next() % 8))
      let digits = Double(random.next() >> (random.next() % 64))
      values += [digits / (0..<Int(places)).reduce(1) { power, _ in power * 10 }, Double(bitPattern: random.next())]
    }
    for value in values where value.isFinite {
      try #expect(letters(value) == value.description)
      try #expect(letters(-value) == (-value).description)
    }
  }

  @Test("Integers of every length are written digit for digit")
  func integers() throws {
    var power: UInt64 = 1
    for _ in 0..<20 {
      for time in [power - 1, power, power + 1, .max - power] where time > 0 {
        let request = try ExportRequest.fixture(.logs) { $0.field(2) { $0.field(1, fixed64: time) } }
        #expect(request.json.contains("\"timeUnixNano\":\"\(time)\""))
      }
      power = power &* 10
    }
  }
}
