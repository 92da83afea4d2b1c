// What plain scalars mean, by go-yaml's rules.

import Config
import Testing
import YAML

private func value(_ text: String) -> ScalarValue { ScalarValue(YAMLScalar(text: text, isPlain: true)) }

@Suite struct ScalarValueTests {
  @Test("Nothing has five spellings", arguments: ["", "~", "null", "Null", "NULL"])
  func null(text: String) { #expect(value(text) == .null) }

  @Test("Booleans are true and false only", arguments: ["true", "True", "TRUE", "false", "False", "FALSE"])
  func boolean(text: String) { #expect(value(text) == .boolean(text.lowercased() == "true")) }

  @Test(
    "Integers are decimal, hexadecimal, octal or binary, with underscores",
    arguments: [
      ("0", 0), ("-0", 0), ("+7", 7), ("-12", -12), ("1_000_000", 1_000_000), ("0x1F", 31), ("-0x10", -16),
      ("0o17", 15), ("017", 15), ("0b101", 5), ("9223372036854775807", .max), ("-9223372036854775808", .min),
    ] as [(String, Int64)])
  func integer(text: String, expected: Int64) { #expect(value(text) == .integer(expected)) }

  @Test(
    "Floats have a point, an exponent, or too many digits for an integer",
    arguments: [
      ("1.5", 1.5), ("0.5", 0.5), ("0e1", 0), (".5", 0.5), ("-2.", -2), ("1e3", 1000), ("+1.5E-2", 0.015), ("099", 99),
      ("9223372036854775808", 9_223_372_036_854_775_808), (".inf", .infinity), ("-.Inf", -.infinity),
    ])
  func float(text: String, expected: Double) { #expect(value(text) == .float(expected)) }

  @Test("NaN is a float")
  func notANumber() {
    guard case .float(let number) = value(".nan") else {
      Issue.record("no float")
      return
    }
    #expect(number.isNaN)
  }

  @Test(
    "Everything else is a string",
    arguments: [
      "yes", "on", "nil", "-", "+", ".", "e3", "1e", "0x", "0xg", "0x-1", "--1", "1.2.3", "10s", "1 2", "tRue", "inf",
      "nan", "2026-11-21", "0o8", "127.0.0.1:4318",
    ])
  func string(text: String) { #expect(value(text) == .string(text)) }

  @Test("A quoted scalar is a string whatever it says")
  func quotedScalar() { #expect(ScalarValue(YAMLScalar(text: "1", isPlain: false)) == .string("1")) }
}
