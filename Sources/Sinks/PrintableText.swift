// Text from clients and other servers, made safe to show on a terminal and in a log.

package import Bytes

extension String {
  /// The text with its control characters written as escapes: `\n`, `\t`, `\u001b`.
  ///
  /// Also escaped are what turns the writing direction and the Unicode line ends: a span's name must not be able to
  /// clear the screen, forge a line or show one thing and mean another.
  package var printable: String {
    guard unicodeScalars.contains(where: \.isHarmful) else { return self }
    var text = ""
    for scalar in unicodeScalars {
      switch scalar {
      case "\n": text += "\\n"
      case "\r": text += "\\r"
      case "\t": text += "\\t"
      case _ where scalar.isHarmful:
        let digits = String(scalar.value, radix: 16)
        text += "\\u" + String(repeating: "0", count: max(0, 4 - digits.count)) + digits
      default: text.unicodeScalars.append(scalar)
      }
    }
    return text
  }

  /// The printable text, cut behind `scalarsMax` Unicode scalars with an ellipsis.
  package func printable(scalarsMax: Int) -> String {
    let scalars = unicodeScalars
    guard let end = scalars.index(scalars.startIndex, offsetBy: scalarsMax, limitedBy: scalars.endIndex),
      end < scalars.endIndex
    else { return printable }
    return String(scalars[..<end]).printable + "…"
  }
}

extension Bytes {
  /// The beginning of a body that may be anything, as printable text.
  package func excerpt(bytesMax: Int = 200) -> String {
    count <= bytesMax ? text.printable : slice(0..<bytesMax).text.printable + "…"
  }
}

extension Unicode.Scalar {
  /// Whether it steers a terminal or a reader instead of showing something.
  package var isHarmful: Bool {
    switch value {
    // C0, DEL and C1; line and paragraph separators; embeddings, overrides and isolates.
    case 0..<0x20, 0x7F..<0xA0, 0x2028...0x2029, 0x200E...0x200F, 0x202A...0x202E, 0x2066...0x2069: true
    default: false
    }
  }
}
