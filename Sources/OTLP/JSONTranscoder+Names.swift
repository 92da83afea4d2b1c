// Names that were not the expected ones, and the values of names that nobody knows.

extension JSONTranscoder {
  /// Finds the field of `kind` whose name is at `position`, and moves behind the closing quote.
  ///
  /// Returns nil for an unknown name. `scratch` is the place of the next output, which is overwritten anyway.
  @inline(never)
  func lookUp(
    _ position: inout InputPosition, _ scratch: OutputPosition, in kind: UInt8
  ) throws(Refusal) -> UInt8? {
    if let index = table.find(position, in: kind) {
      position += Int(table[index].nameWidth)
      return index
    }
    // Unknown, escaped or in snake_case: look at the decoded text.
    let end: OutputPosition
    (position, end) = try text(position, scratch)
    let count = end - scratch
    guard count < 2 * JSONField.nameBytesMax else { return nil }
    end.store(UInt8(ascii: "\""))
    if let index = table.find(scratch.written, in: kind), Int(table[index].nameWidth) == count + 1 { return index }
    let camelCount = scratch.camelCase(count: count)
    guard camelCount < count else { return nil }
    (scratch + camelCount).store(UInt8(ascii: "\""))
    guard let index = table.find(scratch.written, in: kind), Int(table[index].nameWidth) == camelCount + 1 else {
      return nil
    }
    return index
  }

  /// Moves over any JSON value, which is checked as strictly as a known one.
  @inline(never)
  func skipValue(_ start: InputPosition, scratch: OutputPosition) throws(Refusal) -> InputPosition {
    var position = start
    var open = OpenContainers()
    while true {
      // A value begins here.
      switch position.byte {
      case UInt8(ascii: "{"), UInt8(ascii: "["):
        let isObject = position.byte == UInt8(ascii: "{")
        guard open.push(isObject: isObject) else { throw Refusal(.unknownTooDeep, position) }
        position = (position + 1).afterSpace
        if position.byte != (isObject ? UInt8(ascii: "}") : UInt8(ascii: "]")) {
          if isObject { position = try skipName(position, scratch: scratch) }
          continue
        }
        open.pop()
        position += 1
      case UInt8(ascii: "\""):
        (position, _) = try text(position + 1, scratch)
      case UInt8(ascii: "t") where position.halfWord() == 0x6575_7274: position += 4
      case UInt8(ascii: "n") where position.isNull: position += 4
      case UInt8(ascii: "f") where position.halfWord(at: 1) == 0x6573_6c61: position += 5
      default:
        guard let number = JSONNumber(position) else { throw Refusal(.value, position) }
        position = number.end
      }
      // A value ended here, and so may the containers around it.
      while true {
        guard let isObject = open.innermostIsObject else { return position }
        position = position.afterSpace
        if position.byte == UInt8(ascii: ",") {
          position = (position + 1).afterSpace
          if isObject { position = try skipName(position, scratch: scratch) }
          break
        }
        guard position.byte == (isObject ? UInt8(ascii: "}") : UInt8(ascii: "]")) else {
          throw Refusal(isObject ? .commaOrBrace : .commaOrBracket, position)
        }
        open.pop()
        position += 1
      }
    }
  }

  /// Moves over a name and its colon to the beginning of the value.
  private func skipName(_ start: InputPosition, scratch: OutputPosition) throws(Refusal) -> InputPosition {
    guard start.byte == UInt8(ascii: "\"") else { throw Refusal(.name, start) }
    let (end, _) = try text(start + 1, scratch)
    let colon = end.afterSpace
    guard colon.byte == UInt8(ascii: ":") else { throw Refusal(.colon, colon) }
    return (colon + 1).afterSpace
  }
}

/// The arrays and objects around a place in an unknown value, one bit each.
private struct OpenContainers {
  private var kinds = InlineArray<16, UInt64>(repeating: 0)
  private var count = 0

  /// Whether the innermost one is an object; nil when none is open.
  var innermostIsObject: Bool? {
    guard count > 0 else { return nil }
    return kinds[(count - 1) / 64] >> UInt64((count - 1) % 64) & 1 == 1
  }

  /// Returns false when there are too many.
  mutating func push(isObject: Bool) -> Bool {
    guard count < DecodeLimits.unknownValuesNestedMax else { return false }
    let bit: UInt64 = 1 << UInt64(count % 64)
    if isObject { kinds[count / 64] |= bit } else { kinds[count / 64] &= ~bit }
    count += 1
    return true
  }

  mutating func pop() { count -= 1 }
}

extension OutputPosition {
  /// Turns the `count` bytes of a snake_case name from here on into lowerCamelCase; returns how many are left.
  fileprivate func camelCase(count: Int) -> Int {
    let text = written
    var (index, end) = (0, 0)
    while index < count {
      var byte = text[index]
      index += 1
      if byte == UInt8(ascii: "_") && index < count && end > 0 && text[index] &- UInt8(ascii: "a") < 26 {
        byte = text[index] & ~0x20
        index += 1
      }
      (self + end).store(byte)
      end += 1
    }
    return end
  }
}
