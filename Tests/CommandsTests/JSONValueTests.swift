// JSON as a tree: what is read is written again, and nothing that a terminal obeys gets through.

import Commands
import Testing

@Suite("JSON values")
struct JSONValueTests {
  @Test(
    "What is read is written as it was",
    arguments: [
      "null", "true", "[]", "{}", "12345678901234567890", "-0.5e-7", #"{"a":[1,2.50,"é\"\\"],"b":{"c":null}}"#,
      #""\ud83d\ude00""#,
    ])
  func roundTrip(_ text: String) throws {
    let value = try #require(JSONValue(parsing: text.utf8))
    #expect(JSONValue(parsing: value.json.utf8) == value)
    if !text.contains("\\u") { #expect(value.json == text) }
  }

  @Test("What is no JSON is refused", arguments: ["", "{", "[1,]", "{\"a\"}", "nul", "1 2", "\"\\", "\"\\u12"])
  func refused(_ text: String) { #expect(JSONValue(parsing: text.utf8) == nil) }

  @Test("Nesting has a limit")
  func depth() {
    let deep = String(repeating: "[", count: 300) + String(repeating: "]", count: 300)
    #expect(JSONValue(parsing: deep.utf8) == nil)
  }

  @Test("Control characters are written as escapes, also those that JSON lets through")
  func harmless() throws {
    let value = try #require(JSONValue(parsing: "\"\u{7f}\u{9b}2J\u{202e} \\u001b[2J\\n\"".utf8))
    #expect(value.json == #""\u007f\u009b2J\u202e \u001b[2J\n""#)
  }
}
