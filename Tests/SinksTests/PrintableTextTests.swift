// What clients send cannot steer the terminal of whoever watches.

import Bytes
import Sinks
import Testing

@Suite("Printable text")
struct PrintableTextTests {
  @Test(
    "Control characters, line ends and direction overrides are written as escapes",
    arguments: [
      ("GET /orders/{id}", "GET /orders/{id}"), ("Größe 注文 🎉", "Größe 注文 🎉"), ("", ""),
      ("a\nb\r\n\tc", "a\\nb\\r\\n\\tc"), ("\u{1b}[2J\u{7}", "\\u001b[2J\\u0007"),
      ("\u{7f}\u{9b}31m", "\\u007f\\u009b31m"),
      ("\u{202e}cod.exe", "\\u202ecod.exe"), ("a\u{2028}b", "a\\u2028b"), ("\u{0}", "\\u0000"),
    ])
  func escapes(text: String, expected: String) { #expect(text.printable == expected) }

  @Test("A cut text ends with an ellipsis, and an escape is never cut in two")
  func cut() {
    #expect("abc".printable(scalarsMax: 3) == "abc")
    #expect("abcd".printable(scalarsMax: 3) == "abc…")
    #expect("ab\u{1b}d".printable(scalarsMax: 3) == "ab\\u001b…")
  }

  @Test("The beginning of a body that is no text at all can be shown")
  func excerpt() {
    #expect(Bytes([0x68, 0x69, 0xFF, 0x00]).excerpt() == "hi\u{FFFD}\\u0000")
    #expect(Bytes("<html>").excerpt(bytesMax: 3) == "<ht…")
    #expect(Bytes().excerpt() == "")
  }
}
