// Immutable bytes, their windows, and searching in them.

import Bytes
import Testing

@Suite("Bytes")
struct BytesTests {
  @Test("A slice is a window on the same bytes")
  func slices() {
    let bytes = Bytes("hello, world")
    let inner = bytes.slice(7..<12)
    #expect(inner == Bytes("world") && inner.text == "world" && inner[0] == UInt8(ascii: "w"))
    #expect(inner.slice(1..<1).isEmpty && bytes.slice(0..<0) == Bytes())
    #expect(inner != Bytes("worlds") && inner != Bytes("World"))
  }

  @Test("Two windows are one where the second begins at the first one's end")
  func joins() {
    let bytes = Bytes("hello, world")
    #expect(bytes.slice(0..<5).joined(with: bytes.slice(5..<7)) == Bytes("hello, "))
    #expect(bytes.slice(5..<5).joined(with: bytes.slice(5..<12)) == Bytes(", world"))
    #expect(bytes.slice(0..<5).joined(with: bytes.slice(6..<7)) == nil)
    #expect(bytes.slice(5..<7).joined(with: bytes.slice(0..<5)) == nil)
    #expect(bytes.slice(0..<5).joined(with: Bytes("hello, world").slice(5..<7)) == nil)
  }

  @Test(
    "Base64 is RFC 4648's",
    arguments: [
      ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("fooba", "Zm9vYmE="),
      ("foobar", "Zm9vYmFy"),
    ])
  func base64(text: String, expected: String) {
    #expect(Bytes(text).base64 == expected)
  }

  @Test("Text that is no UTF-8 gets replacement characters")
  func text() {
    #expect(Bytes([0x61, 0xFF, 0x62]).text == "a\u{FFFD}b")
  }

  @Test("A byte is found at or behind the start, and nowhere else")
  func firstIndex() {
    let bytes = Bytes("a,b,c")
    let comma = UInt8(ascii: ",")
    let found = [0, 1, 2, 4, 5].map { bytes.span.firstIndex(of: comma, from: $0) }
    #expect(found == [1, 1, 3, nil, nil])
    // The window ends before the storage does.
    let outside = [bytes.slice(0..<1).span.firstIndex(of: comma), Bytes().span.firstIndex(of: 0)]
    #expect(outside == [nil, nil])
  }

  @Test("Only the case of ASCII letters is ignored")
  func ignoringCase() {
    for (left, right, isEqual) in [
      ("Content-Type", "content-TYPE", true), ("", "", true), ("a", "ab", false), ("@", "`", false), ("[", "{", false),
      ("\r", "-", false), ("\u{C9}", "\u{E9}", false), ("z", "Z", true), ("K", "\u{212A}", false),
    ] {
      let said = Bytes(left).span.equalsIgnoringCase(right)
      #expect(said == isEqual, "\(left) and \(right)")
    }
    let (upper, lower) = (Bytes("HOST"), Bytes("host"))
    let said = [
      upper.span.equalsIgnoringCase("host" as StaticString), upper.span.equals("host"), lower.span.equals("host"),
    ]
    #expect(said == [true, false, true])
  }

  @Test("Every control character but the tab is found, wherever it stands")
  func controlCharacters() {
    for byte in UInt8.min...UInt8.max {
      for position in [0, 1, 15, 16, 40] {
        var bytes = [UInt8](repeating: 0x41, count: 41)
        bytes[position] = byte
        let found = bytes.span.hasControlCharacter
        #expect(found == ((byte < 0x20 && byte != 9) || byte == 0x7F), "\(byte) at \(position)")
      }
    }
    let foundInNothing = [UInt8]().span.hasControlCharacter
    #expect(!foundInNothing)
  }
}
