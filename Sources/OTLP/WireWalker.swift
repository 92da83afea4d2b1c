// One pass over protobuf bytes that proves they are OTLP and counts what they hold.

/// Walks a request's bytes once, by the tables of the schema.
///
/// Proves I1, I2 and I4 or throws, counts the items (I6), and notes in `isCanonical` whether I3 and I5 hold too: that
/// is so for what every known exporter sends. What is not canonical is then rewritten by `Canonicalizer`.
///
/// Protobuf "Encoding" as reference decoders read it: a field whose number we do not know, or that has another wire
/// type than the one we know, is unknown and kept; varints have up to ten bytes, tags and lengths up to five, though
/// they need not be the shortest; groups must be balanced.
struct WireWalker: ~Copyable {
  private let table = WireTable.shared
  /// Items met so far.
  private(set) var itemCount = 0
  /// Whether I3 and I5 hold so far and there are no groups.
  private(set) var isCanonical = true

  /// Walks the message between `start` and `end`; `depth` counts the messages around it and itself.
  mutating func walk(
    _ start: InputPosition, until end: InputPosition, message: UInt8, depth: Int
  ) throws(Refusal) {
    guard depth <= DecodeLimits.messagesNestedMax else { throw Refusal(.tooDeep, start) }
    var position = start
    var seen: UInt32 = 0
    while position < end {
      let fieldStart = position
      var tag = UInt64(position.byte)
      position += 1
      if tag >= 0x80 { (position, tag) = try longTag(fieldStart) }
      let number = tag >> 3
      guard number < WireTable.numbersPerMessage else {
        position = try skip(tag, at: position, until: end, depth: depth)
        continue
      }
      let row = table[message, number]
      guard row.wireType == UInt8(truncatingIfNeeded: tag & 7) else {
        guard number > 0 else { throw Refusal(.tag, fieldStart) }
        position = try skip(tag, at: position, until: end, depth: depth)
        continue
      }
      if seen & row.conflicts != 0 { isCanonical = false }
      seen |= row.seen
      switch row.wireType {
      case 0:
        position = try varint(position)
      case 1:
        position += 8
      case 5:
        position += 4
      default:
        let count: Int
        (position, count) = try length(position)
        guard count <= end - position else { throw Refusal(.truncated, fieldStart) }
        let valueEnd = position + count
        switch row.check {
        case .text:
          guard position.isUTF8(count: count) else { throw Refusal(.invalidUTF8, fieldStart) }
        case .message:
          if row.message == MessageKind.keyValue.rawValue && depth + 2 <= DecodeLimits.messagesNestedMax
            && InputRange(position, until: valueEnd).isPlainPair
          {
            break
          }
          itemCount &+= Int(row.items)
          if count == 0 && depth < DecodeLimits.messagesNestedMax { break }
          try walk(position, until: valueEnd, message: row.message, depth: depth + 1)
        case .traceID:
          if count != 16 && count != 0 { isCanonical = false }
        case .spanID:
          if count != 8 && count != 0 { isCanonical = false }
        case .packedFixed64:
          guard count & 7 == 0 else { throw Refusal(.packedLength, fieldStart) }
        case .packedVarint:
          while position < valueEnd { position = try varint(position) }
          guard position == valueEnd else { throw Refusal(.packedLength, fieldStart) }
        case .skip:
          break
        }
        position = valueEnd
      }
    }
    guard position == end else { throw Refusal(.truncated, end) }
  }

  /// Moves over a varint; it may end behind the end of the message, which the caller notices.
  @inline(__always)
  private func varint(_ start: InputPosition) throws(Refusal) -> InputPosition {
    var position = start
    while position.byte >= 0x80 {
      position += 1
      if position - start == 10 { throw Refusal(.longVarint, start) }
    }
    return position + 1
  }

  /// A tag of two or more bytes: at most 2^29 - 1 for the number, so 32 bits in all.
  @inline(never)
  private func longTag(_ start: InputPosition) throws(Refusal) -> (InputPosition, UInt64) {
    let (position, tag) = try number(start)
    guard tag <= UInt64(UInt32.max) else { throw Refusal(.tag, start) }
    return (position, tag)
  }

  /// The length of a length-delimited value.
  @inline(__always)
  private func length(_ start: InputPosition) throws(Refusal) -> (InputPosition, Int) {
    let first = start.byte
    if first < 0x80 { return (start + 1, Int(first)) }
    let (position, value) = try number(start)
    return (position, Int(value))
  }

  /// A tag's or length's value, of at most five bytes like in reference decoders.
  @inline(never)
  private func number(_ start: InputPosition) throws(Refusal) -> (InputPosition, UInt64) {
    var value: UInt64 = 0
    for index in 0..<5 {
      let byte = UInt64(start[index])
      value |= (byte & 0x7f) << UInt64(7 * index)
      if byte < 0x80 { return (start + index + 1, value) }
    }
    throw Refusal(.longTagOrLength, start)
  }

  /// Moves over the value of an unknown field. Only groups are looked into, because only their end says where they end.
  @inline(never)
  private mutating func skip(
    _ tag: UInt64, at start: InputPosition, until end: InputPosition, depth: Int
  ) throws(Refusal) -> InputPosition {
    switch tag & 7 {
    case 0: return try varint(start)
    case 1: return start + 8
    case 5: return start + 4
    case 2:
      let (position, count) = try length(start)
      guard count <= end - position else { throw Refusal(.truncated, start) }
      return position + count
    case 3:
      isCanonical = false
      return try skipGroup(tag >> 3, at: start, until: end, depth: depth + 1)
    case 4: throw Refusal(.endGroup, start)
    default: throw Refusal(.wireType, start)
    }
  }

  private mutating func skipGroup(
    _ number: UInt64, at start: InputPosition, until end: InputPosition, depth: Int
  ) throws(Refusal) -> InputPosition {
    guard depth <= DecodeLimits.messagesNestedMax else { throw Refusal(.tooDeep, start) }
    var position = start
    while position < end {
      let (next, tag) = try longTag(position)
      guard tag >> 3 != 0 else { throw Refusal(.tag, position) }
      if tag & 7 == 4 {
        guard tag >> 3 == number else { throw Refusal(.endGroup, position) }
        return next
      }
      position = try skip(tag, at: next, until: end, depth: depth)
    }
    throw Refusal(.openGroup, start)
  }
}

extension InputRange {
  /// Whether this is a KeyValue of a key and a short string or an integer, all in ASCII: valid, and canonical.
  ///
  /// Half of all input is such pairs. Any other takes the general way.
  @inline(__always)
  var isPlainPair: Bool {
    guard let pair = KeyValueParts(plain: self) else { return false }
    let value = pair.value
    switch value.start.byte {
    case 0x0a:
      // Tags and lengths are ASCII too.
      return Int(value.start[1]) + 2 == value.count && start.isASCII(count: count)
    case 0x18:
      var last = value.start + 1
      while last < value.end && last.byte >= 0x80 { last += 1 }
      return last + 1 == value.end && value.count <= 11 && pair.key.start.isASCII(count: pair.key.count)
    default: return false
    }
  }
}

extension InputPosition {
  private static let highBits: UInt64 = 0x8080_8080_8080_8080

  /// Whether the next `count` bytes are UTF-8, eight at a time as long as they are ASCII.
  @inline(__always)
  func isUTF8(count: Int) -> Bool { isASCII(count: count) || isUTF8BeyondASCII(count: count) }

  @inline(__always)
  fileprivate func isASCII(count: Int) -> Bool {
    var done = 0
    while done &+ 8 <= count {
      if word(at: done) & InputPosition.highBits != 0 { return false }
      done &+= 8
    }
    let rest = count &- done
    // The mask keeps the first `rest` of eight bytes.
    let mask = InputPosition.highBits &>> UInt64(truncatingIfNeeded: 64 &- 8 &* rest)
    return rest == 0 || word(at: done) & mask == 0
  }

  @inline(never)
  private func isUTF8BeyondASCII(count: Int) -> Bool {
    var done = 0
    while done < count {
      if self[done] < 0x80 {
        done += count - done >= 8 && word(at: done) & InputPosition.highBits == 0 ? 8 : 1
        continue
      }
      let width = (self + done).scalarWidth
      if width == 0 || done + width > count { return false }
      done += width
    }
    return true
  }

  /// The bytes of the UTF-8 scalar here (Unicode table 3-7), or 0 when there is none. Looks at up to four bytes.
  @inline(__always)
  var scalarWidth: Int {
    let first = byte
    if first < 0x80 { return 1 }
    if first < 0xc2 || first > 0xf4 { return 0 }
    let second = self[1]
    guard second & 0xc0 == 0x80 else { return 0 }
    if first < 0xe0 { return 2 }
    guard self[2] & 0xc0 == 0x80 else { return 0 }
    if first < 0xf0 {
      if first == 0xe0 && second < 0xa0 { return 0 }
      if first == 0xed && second > 0x9f { return 0 }  // a surrogate
      return 3
    }
    guard self[3] & 0xc0 == 0x80 else { return 0 }
    if first == 0xf0 && second < 0x90 { return 0 }
    if first == 0xf4 && second > 0x8f { return 0 }  // beyond U+10FFFF
    return 4
  }
}
