// The two messages that every attribute is made of, taken apart.

/// A KeyValue message's key and value.
struct KeyValueParts {
  let key: InputRange
  /// The AnyValue message; empty when there is none.
  let value: InputRange
  /// Whether there is a value at all.
  let hasValue: Bool

  @inline(__always)
  init(_ pair: InputRange) {
    if let plain = KeyValueParts(plain: pair) { self = plain } else { self.init(anyLayout: pair) }
  }

  /// Nil when the pair is anything but a key, then a value, both with lengths of one byte. It need not be valid.
  @inline(__always)
  init?(plain pair: InputRange) {
    let keyCount = Int(pair.start[1])
    let keyEnd = pair.start + 2 + keyCount
    guard pair.start.byte == 0x0a, keyCount < 0x80, keyEnd < pair.end, keyEnd.byte == 0x12, keyEnd[1] < 0x80,
      keyEnd + 2 + Int(keyEnd[1]) == pair.end
    else { return nil }
    key = InputRange(pair.start + 2, until: keyEnd)
    value = InputRange(keyEnd + 2, until: pair.end)
    hasValue = true
  }

  @inline(never)
  private init(anyLayout pair: InputRange) {
    let index = MessageIndex(pair, MessageKind.keyValue.rawValue)
    let nothing = InputRange(pair.end, until: pair.end)
    key = index.has(1) ? (pair.start + index.offset(1)).content(until: pair.end) : nothing
    value = index.has(2) ? (pair.start + index.offset(2)).content(until: pair.end) : nothing
    hasValue = index.has(2)
  }
}

/// An AnyValue message's only member.
struct AnyValueMember {
  /// The member's field number: 1 string, 2 bool, 3 int, 4 double, 5 array, 6 kvlist, 7 bytes; 0 when none is set.
  let number: Int
  /// Where its value begins, behind the tag.
  let position: InputPosition

  /// Unknown fields beside the member are stepped over.
  @inline(__always)
  init(_ value: InputRange) {
    // Almost every value is one short string or an integer, and nothing else.
    let content = value.start + 1
    if !value.isEmpty {
      if value.start.byte == 0x0a, content.byte < 0x80, content + 1 + Int(content.byte) == value.end {
        self.init(number: 1, position: content)
        return
      }
      if value.start.byte == 0x18, content.varint.end == value.end {
        self.init(number: 3, position: content)
        return
      }
    }
    self.init(anyLayout: value)
  }

  @inline(__always)
  private init(number: Int, position: InputPosition) {
    self.number = number
    self.position = position
  }

  @inline(never)
  private init(anyLayout value: InputRange) {
    let index = MessageIndex(value, MessageKind.anyValue.rawValue)
    number = index.present == 0 ? 0 : index.present.trailingZeroBitCount
    position = value.start + index.offset(number)
  }
}
