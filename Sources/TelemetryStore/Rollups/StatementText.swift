// A database statement without its literals, so that calls that differ in values only are one operation.

package import Bytes

/// Normalises SQL text.
///
/// Literals become `?`, runs of white space one space, comments go, and a list of values (`IN (?, ?, ?)`) becomes one
/// of them. It knows tokens, not grammar: it takes any dialect, and text that is no SQL at all.
package enum StatementText {
  /// A statement's normal form is cut behind this many bytes, at the end of a character.
  package static let bytesMax = 2048

  /// Appends the normal form of the statement.
  package static func append(_ text: Span<UInt8>, to buffer: inout ByteBuffer) {
    var writer = Writer(start: buffer.count)
    var index = 0
    while index < text.count, buffer.count - writer.start < bytesMax {
      let byte = text[index]
      switch byte {
      case 0x20, 0x09...0x0d:
        writer.space(&buffer)
        index += 1
      case UInt8(ascii: "'"):
        index = end(ofQuoted: text, from: index)
        writer.literal(&buffer)
      case UInt8(ascii: "\""), UInt8(ascii: "`"):
        let end = end(ofQuoted: text, from: index)
        writer.word(text.extracting(index..<end), &buffer)
        index = end
      case UInt8(ascii: "-") where text.has("--", at: index):
        while index < text.count, text[index] != 0x0a { index += 1 }
        writer.space(&buffer)
      case UInt8(ascii: "/") where text.has("/*", at: index):
        index += 2
        while index < text.count, !text.has("*/", at: index) { index += 1 }
        index += 2
        writer.space(&buffer)
      case UInt8(ascii: "%") where text.has("%(", at: index), UInt8(ascii: ":"), UInt8(ascii: "$"), UInt8(ascii: "@"):
        index = placeholder(text, from: index, &writer, &buffer)
      case UInt8(ascii: "%") where text.has("%s", at: index):
        index += 2
        writer.literal(&buffer)
      case UInt8(ascii: "?"):
        index += 1
        writer.literal(&buffer)
      case UInt8(ascii: "0")...UInt8(ascii: "9"):
        while index < text.count, text[index].isWord || text[index] == UInt8(ascii: ".") { index += 1 }
        writer.literal(&buffer)
      default:
        let start = index
        while index < text.count, text[index].isWord { index += 1 }
        if index == start { index += 1 }
        writer.word(text.extracting(start..<index), &buffer)
      }
    }
    writer.finish(&buffer)
  }

  /// The offset behind a quoted text; a doubled quote and a backslash before a quote do not end it.
  private static func end(ofQuoted text: Span<UInt8>, from start: Int) -> Int {
    let quote = text[start]
    var index = start + 1
    while index < text.count {
      if text[index] == UInt8(ascii: "\\") {
        index += 2
      } else if text[index] != quote {
        index += 1
      } else if index + 1 < text.count, text[index + 1] == quote {
        index += 2
      } else {
        return index + 1
      }
    }
    return text.count
  }

  /// `%(name)s`, `:name`, `$1` and `@name` are literals; `::type` and the lone signs are what they are.
  private static func placeholder(
    _ text: Span<UInt8>, from start: Int, _ writer: inout Writer, _ buffer: inout ByteBuffer
  ) -> Int {
    var index = start + 1
    if text[start] == UInt8(ascii: "%") {
      while index < text.count, text[index] != UInt8(ascii: ")") { index += 1 }
      writer.literal(&buffer)
      // The letter behind the bracket is the conversion.
      index = min(index + 1, text.count)
      return index < text.count && text[index] < 0x80 && text[index].isWord ? index + 1 : index
    }
    while index < text.count, text[index].isWord { index += 1 }
    // Behind a name it is a separator, behind its like a cast.
    let isJoined = start > 0 && (text[start - 1].isWord || text[start - 1] == text[start])
    if index > start + 1, !isJoined {
      writer.literal(&buffer)
      return index
    }
    writer.word(text.extracting(start..<start + 1), &buffer)
    return start + 1
  }

  /// Knows what the text ends in that is written so far.
  private struct Writer {
    let start: Int
    private var needsSpace = false
    /// The last two tokens were a literal and a comma, so a further literal adds nothing.
    private var isInList = false
    private var lastIsLiteral = false
    private var commaEnd = -1

    init(start: Int) { self.start = start }

    mutating func space(_ buffer: inout ByteBuffer) { needsSpace = buffer.count > start }

    mutating func literal(_ buffer: inout ByteBuffer) {
      if isInList {
        needsSpace = false
        isInList = false
        lastIsLiteral = true
        buffer.truncate(to: commaEnd)
        return
      }
      flushSpace(&buffer)
      buffer.append(UInt8(ascii: "?"))
      lastIsLiteral = true
    }

    mutating func word(_ word: Span<UInt8>, _ buffer: inout ByteBuffer) {
      let isComma = word.count == 1 && word[0] == UInt8(ascii: ",")
      if isComma, lastIsLiteral {
        commaEnd = buffer.count
        isInList = true
      } else {
        isInList = false
      }
      lastIsLiteral = false
      flushSpace(&buffer)
      buffer.append(word)
    }

    private mutating func flushSpace(_ buffer: inout ByteBuffer) {
      if needsSpace { buffer.append(0x20) }
      needsSpace = false
    }

    /// A cut must not leave half a character.
    mutating func finish(_ buffer: inout ByteBuffer) {
      guard buffer.count - start > bytesMax else { return }
      var end = start + bytesMax
      while end > start, buffer.span[end] & 0xc0 == 0x80 { end -= 1 }
      buffer.truncate(to: end)
    }
  }
}

extension UInt8 {
  /// Part of a name or a number: letters, digits, `_`, and every byte of a character outside ASCII.
  fileprivate var isWord: Bool {
    switch self {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), 0x80...0xff:
      true
    default: false
    }
  }
}

extension Span<UInt8> {
  /// Whether the two characters of `text` stand at the offset.
  fileprivate func has(_ text: StaticString, at offset: Int) -> Bool {
    offset + 2 <= count && extracting(offset..<(offset + 2)).equals(text)
  }
}
