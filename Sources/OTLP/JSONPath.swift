// The path to a byte of a JSON document: a slow pass for errors.

extension FieldPath {
  /// The path of the value around or behind `byte` in a document that is well-formed up to there.
  init(json bytes: borrowing Span<UInt8>, at byte: Int) {
    // The open containers: the name or index of the value that is being read in each.
    var open: [(isObject: Bool, name: Range<Int>, index: Int)] = []
    var position = 0
    var text = 0..<0
    let end = min(byte, bytes.count)
    while position < end {
      switch bytes[position] {
      case UInt8(ascii: "{"): open.append((true, 0..<0, 0))
      case UInt8(ascii: "["): open.append((false, 0..<0, 0))
      case UInt8(ascii: "}"), UInt8(ascii: "]"): _ = open.popLast()
      case UInt8(ascii: ","):
        guard let last = open.last else { break }
        if last.isObject { open[open.count - 1].name = 0..<0 } else { open[open.count - 1].index += 1 }
      case UInt8(ascii: ":"):
        if !open.isEmpty { open[open.count - 1].name = text }
      case UInt8(ascii: "\""):
        let start = position + 1
        position = start
        while position < end && bytes[position] != UInt8(ascii: "\"") {
          position += bytes[position] == UInt8(ascii: "\\") ? 2 : 1
        }
        if position < end { text = start..<position }
      default: break
      }
      position += 1
    }
    self.init()
    for (level, container) in open.enumerated() where container.isObject && !container.name.isEmpty {
      let isList = level + 1 < open.count && !open[level + 1].isObject
      append(FieldPath.quoted(bytes, container.name), index: isList ? open[level + 1].index : nil)
    }
  }

  /// At most `quotedBytesMax` bytes of input as text that can be shown anywhere.
  static func quoted(_ bytes: borrowing Span<UInt8>, _ range: Range<Int>) -> String {
    let end = min(range.upperBound, range.lowerBound + DecodeLimits.quotedBytesMax)
    var shown: [UInt8] = []
    for index in range.lowerBound..<end {
      let byte = bytes[index]
      shown.append(byte < 0x20 || byte == 0x7f ? UInt8(ascii: "?") : byte)
    }
    return String(decoding: shown, as: UTF8.self) + (end < range.upperBound ? "…" : "")
  }
}
