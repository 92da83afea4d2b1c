// Where the fields of one validated message lie, found in one scan: the ground of the views and of the JSON writer.

/// A stretch of a validated request: a message, a text or bytes.
struct InputRange {
  let start: InputPosition
  let end: InputPosition

  @inline(__always)
  init(_ start: InputPosition, until end: InputPosition) {
    self.start = start
    self.end = end
  }

  @inline(__always) var count: Int { end - start }
  @inline(__always) var isEmpty: Bool { start == end }

  /// What is left behind the first `count` bytes.
  @inline(__always)
  func dropping(_ count: Int) -> InputRange { InputRange(start + count, until: end) }
}

/// A message whose fields were located once; reading one is a jump, not a search.
///
/// A request is canonical: a singular field and a oneof occur at most once (I5). A repeated field is visited from its
/// first occurrence. A known number with another wire type is an unknown field, and is never interpreted.
struct MessageIndex {
  /// Field numbers that can be remembered: no field number of OTLP is above 16.
  static let numbers = 17

  /// By field number, from the message's start: the offset behind the tag, or of a repeated field the first tag's.
  // A literal: `init(repeating:)` is a loop.
  private var offsets: InlineArray<17, UInt32> = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]
  /// One bit per known field that occurs.
  private(set) var present: UInt32 = 0

  /// Scans the message in `range`, whose kind has the raw value `kind`.
  init(_ range: InputRange, _ kind: UInt8, _ table: WireTable = .shared) {
    var position = range.start
    while position < range.end {
      let first = position
      let (value, tag) = position.varint
      position = value.afterValue(tag, until: range.end)
      // Attributes, and what else is repeated, come in runs.
      if tag & 0x87 == 2 {
        while position < range.end && UInt64(position.byte) == tag {
          position = (position + 1).content(until: range.end).end
        }
      }
      let number = Int(truncatingIfNeeded: tag >> 3)
      guard number < MessageIndex.numbers, !has(number) else { continue }
      let row = table[kind, UInt64(truncatingIfNeeded: number)]
      guard row.accepts(UInt8(truncatingIfNeeded: tag & 7)) else { continue }
      present |= 1 &<< UInt32(truncatingIfNeeded: number)
      offsets[number] = UInt32((row.isRepeated ? first : value) - range.start)
    }
  }

  @inline(__always)
  func has(_ number: Int) -> Bool { present & (1 &<< UInt32(truncatingIfNeeded: number)) != 0 }

  /// The offset of a field that occurs.
  @inline(__always)
  func offset(_ number: Int) -> Int { Int(offsets.span[number]) }
}

/// The length-delimited occurrences of one field, in order.
struct FieldContents {
  private var position: InputPosition
  private let end: InputPosition
  private let tag: UInt64

  /// Looks at `field`, which begins with a tag, until the end of the message.
  @inline(__always)
  init(number: Int, in field: InputRange) {
    position = field.start
    end = field.end
    tag = UInt64(truncatingIfNeeded: number) << 3 | 2
  }

  @inline(__always)
  mutating func next() -> InputRange? {
    while position < end {
      let (value, tag) = position.varint
      if tag == self.tag {
        let content = value.content(until: end)
        position = content.end
        return content
      }
      position = value.afterValue(tag, until: end)
    }
    return nil
  }
}

/// The elements of one repeated field of numbers, in order.
///
/// protobuf "Packed repeated fields": parsers accept both forms, also mixed.
struct FieldNumbers {
  /// Behind the current element, and the end of the list that it is in.
  private var position: InputPosition
  private var listEnd: InputPosition
  private let end: InputPosition
  private let number: UInt64
  private let elementWireType: UInt64

  /// Looks at `field`, which begins with a tag, until the end of the message.
  @inline(__always)
  init(number: Int, _ type: FieldType, in field: InputRange) {
    (position, listEnd, end) = (field.start, field.start, field.end)
    self.number = UInt64(truncatingIfNeeded: number)
    elementWireType = UInt64(type.wireType)
  }

  /// The next element's wire bits.
  @inline(__always)
  mutating func next() -> UInt64? {
    while position >= listEnd {
      guard position < end else { return nil }
      let (value, tag) = position.varint
      listEnd = value.afterValue(tag, until: end)
      position = listEnd
      guard tag >> 3 == number else { continue }
      if tag & 7 == 2 {
        position = value.content(until: end).start
      } else if tag & 7 == elementWireType {
        position = value
      }
    }
    if elementWireType == 1 {
      position += 8
      return (position - 8).word()
    }
    let (next, bits) = position.varint
    position = next
    return bits
  }
}

// Reading what `WireWalker` has proved (I1). Every step is compared with the end of its message all the same: a broken
// promise stops the program instead of reading a neighbour's memory.
extension InputPosition {
  /// The varint here and the place behind it; bits behind the 64th are dropped.
  @inline(__always)
  var varint: (end: InputPosition, value: UInt64) {
    let first = UInt64(byte)
    if first < 0x80 { return (self + 1, first) }
    // Of two bytes are the lengths of items, and most integers.
    let second = UInt64(self[1])
    return second < 0x80 ? (self + 2, first & 0x7f | second << 7) : longVarint
  }

  @inline(never)
  private var longVarint: (end: InputPosition, value: UInt64) {
    var value: UInt64 = 0
    for index in 0..<10 {
      let byte = self[index]
      value |= UInt64(byte & 0x7f) << UInt64(7 * index)
      if byte < 0x80 { return (self + index + 1, value) }
    }
    preconditionFailure("a varint has at most ten bytes (I1)")
  }

  /// What is behind the length here, in a message that ends at `end`.
  @inline(__always)
  func content(until end: InputPosition) -> InputRange {
    let (start, count) = varint
    precondition(end - start >= 0 && count <= UInt64(end - start), "a length stays inside its message (I1)")
    return InputRange(start, until: start + Int(truncatingIfNeeded: count))
  }

  /// The place behind the value here, whose tag is `tag`, in a message that ends at `end`.
  @inline(__always)
  func afterValue(_ tag: UInt64, until end: InputPosition) -> InputPosition {
    if tag & 7 == 2 { return content(until: end).end }
    let position: InputPosition
    switch tag & 7 {
    case 0: position = varint.end
    case 1: position = self + 8
    case 5: position = self + 4
    default: preconditionFailure("a request has no groups (I1)")
    }
    precondition(position <= end, "a field stays inside its message (I1)")
    return position
  }
}

extension Span<UInt8> {
  /// Where the bytes are; valid as long as they are lent. Only for bytes of a request, which have padding behind them.
  @inline(__always)
  var range: InputRange {
    // Safe: see above. The bytes of a request have an address even when there are none.
    unsafe withUnsafeBufferPointer { bytes in
      let start = unsafe InputPosition(bytes.baseAddress!)
      return InputRange(start, until: start + bytes.count)
    }
  }

  /// The bytes of a part of these, whose own range is `whole`.
  @inline(__always)
  @_lifetime(copy self)
  func extracting(_ part: InputRange, of whole: InputRange) -> Span<UInt8> {
    // Safe: whoever made the part compared it with the end of the whole.
    unsafe extracting(
      unchecked: Range(uncheckedBounds: (part.start - whole.start, part.end - whole.start)))
  }
}
