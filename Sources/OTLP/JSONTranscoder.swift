// OTLP JSON to protobuf in one pass, without a model in between.

internal import Bytes

/// Turns OTLP JSON into the protobuf bytes of the same request.
///
/// Problem: most of JSON's cost is finding out which field a name means and storing values twice.
/// Idea: one interpreter over the tables of the schema writes protobuf while it reads. It guesses the next name (the
/// one that followed last time, so any exporter's order is right after one item), compares it in three words, and
/// copies strings while it looks for their end. A message's length is written in front of it when it ends, into as many
/// bytes as it took last time; the contents move in the rare case that this was wrong, so lengths are always the
/// shortest.
///
/// The result satisfies I1, I2 and I4. `isCanonical` says whether it satisfies I3 and I5 too; if not, `Canonicalizer`
/// mends it. OTLP/HTTP "JSON Protobuf Encoding": ids are hex, unknown names are ignored, enums are numbers (their names
/// and snake_case names are tolerated); otherwise the JSON mapping of proto3 holds: 64-bit integers and doubles may be
/// strings, null means absent.
///
/// Not shared between threads: each has its own (`forThisThread`).
final class JSONTranscoder {
  let table = JSONFieldTable()
  /// Items met in this request.
  private(set) var itemCount = 0
  /// Whether I3 and I5 hold for what was written.
  var isCanonical = true
  /// Ids of this request that were written as base64.
  var base64IDs = 0

  /// The output block of the last request, unless that one was refused.
  private var scratch: ByteBuffer?
  /// Kept between requests; larger ones are given back.
  private static let scratchBytesKept = 1 << 21

  deinit { table.deallocate() }

  /// Transcodes one document. `text` must be followed by a zero byte.
  ///
  /// - Returns: the protobuf bytes, in a block of their own size because requests are kept for long.
  func transcode(_ text: borrowing Bytes, signal: Signal) throws(Refusal) -> Bytes {
    itemCount = 0
    isCanonical = true
    base64IDs = 0
    var scratch = self.scratch.take() ?? ByteBuffer()
    let capacity = JSONTranscoder.capacity(for: text.count, signal: signal)
    // Safe: the text ends with a zero byte, and `capacity` is enough for whatever it says.
    try unsafe scratch.appendUnsafe(capacity: capacity) { (output) throws(Refusal) -> Int in
      let start = unsafe OutputPosition(output)
      return try unsafe text.withUnsafePaddedBytes { (base, count) throws(Refusal) -> Int in
        let input = unsafe InputPosition(base)
        let end = try document(input, count: count, to: start, signal: signal)
        return end - start
      }
    }
    let payload = Bytes(copying: scratch.span)
    if scratch.capacity <= JSONTranscoder.scratchBytesKept {
      scratch.removeAll()
      self.scratch = consume scratch
    }
    return payload
  }

  /// The most bytes that `count` bytes of JSON can become, and the slack that stores need.
  ///
  /// A field takes at least five bytes of JSON more than its value, and at most ten as protobuf: `"sum":0,` becomes
  /// nine and `"kind":-1,` eleven, an eighth more than they were. A length takes at most as many bytes more than the
  /// quotes and the comma around a text as one in 2^21 of its contents. In lists of numbers, which only metrics have,
  /// the two bytes `0,` become eight.
  static func capacity(for count: Int, signal: Signal) -> Int {
    (signal == .metrics ? count * 4 : count + count / 8) + OutputPosition.slack
  }

  private func document(
    _ input: InputPosition, count: Int, to output: OutputPosition, signal: Signal
  ) throws(Refusal) -> OutputPosition {
    var position = input.afterSpace
    guard position.byte == UInt8(ascii: "{") else { throw Refusal(.object, position) }
    let root = MessageKind.request(of: signal).rawValue
    let end: OutputPosition
    (position, end) = try message(position + 1, output, root, depth: 1)
    position = position.afterSpace
    guard position - input == count else { throw Refusal(.documentEnd, position) }
    return end
  }

  /// Reads an object behind its `{` as a message of `kind`; returns the places behind what was read and written.
  func message(
    _ start: InputPosition, _ output: OutputPosition, _ kind: UInt8, depth: Int
  ) throws(Refusal) -> (InputPosition, OutputPosition) {
    guard depth <= DecodeLimits.messagesNestedMax else { throw Refusal(.tooDeep, start) }
    var (position, output) = (start.afterSpace, output)
    if position.byte == UInt8(ascii: "}") { return (position + 1, output) }
    var seen: UInt32 = 0
    var expected = table[message: kind].head
    var previous: UInt8?
    while true {
      guard position.byte == UInt8(ascii: "\"") else { throw Refusal(.name, position) }
      position += 1
      var known = true
      if table.matches(position, expected) {
        position += Int(table[expected].nameWidth)
      } else if let index: UInt8 = try lookUp(&position, output, in: kind) {
        if let previous {
          table.learn(successor: index, of: previous)
        } else {
          table.learn(head: index, of: kind)
        }
        expected = index
      } else {
        known = false
      }
      position = position.afterSpace
      guard position.byte == UInt8(ascii: ":") else { throw Refusal(.colon, position) }
      position = (position + 1).afterSpace
      if known {
        (position, output) = try value(of: expected, position, output, seen: &seen, depth: depth)
        (previous, expected) = (expected, table[expected].successor)
      } else {
        position = try skipValue(position, scratch: output)
      }
      position = position.afterSpace
      if position.byte == UInt8(ascii: ",") {
        position = (position + 1).afterSpace
      } else if position.byte == UInt8(ascii: "}") {
        return (position + 1, output)
      } else {
        throw Refusal(.commaOrBrace, position)
      }
    }
  }

  /// Reads the value of the field in row `index` and writes it with its tag.
  @inline(__always)
  private func value(
    of index: UInt8, _ start: InputPosition, _ output: OutputPosition, seen: inout UInt32, depth: Int
  ) throws(Refusal) -> (InputPosition, OutputPosition) {
    // proto3 JSON: null is the same as leaving the field out.
    if start.isNull { return (start + 4, output) }
    let field = table[index]
    if seen & field.conflicts != 0 { isCanonical = false }
    seen |= field.seen
    output.store(field.tag)
    if field.isRepeated { return try list(start, output, index, depth: depth) }
    if field.type != .message { return try scalar(start, output, field) }
    guard start.byte == UInt8(ascii: "{") else { throw Refusal(.object, start) }
    let width = Int(field.lengthWidth)
    let body = output + Int(field.tagWidth) + width
    let (position, end) = try message(start + 1, body, field.message, depth: depth + 1)
    return (position, close(body, width: width, until: end, index))
  }

  /// Reads an array as the values of the repeated field in row `index`, whose tag was stored at `output` already.
  private func list(
    _ start: InputPosition, _ output: OutputPosition, _ index: UInt8, depth: Int
  ) throws(Refusal) -> (InputPosition, OutputPosition) {
    guard start.byte == UInt8(ascii: "[") else { throw Refusal(.array, start) }
    let position = (start + 1).afterSpace
    if position.byte == UInt8(ascii: "]") { return (position + 1, output) }
    switch table[index].type {
    case .message: return try messages(position, output, index, depth: depth + 1)
    case .string: return try strings(position, output, table[index])
    default: return try packed(position, output, index)
    }
  }

  private func messages(
    _ start: InputPosition, _ output: OutputPosition, _ index: UInt8, depth: Int
  ) throws(Refusal) -> (InputPosition, OutputPosition) {
    var (position, output) = (start, output)
    let kind = table[index].message
    let tagWidth = Int(table[index].tagWidth)
    var count = 0
    while true {
      guard position.byte == UInt8(ascii: "{") else { throw Refusal(.object, position) }
      output.store(table[index].tag)
      let body = output + tagWidth + Int(table[index].lengthWidth)
      let width = Int(table[index].lengthWidth)
      if kind == MessageKind.keyValue.rawValue {
        (position, output) = try keyValue(position, body, depth: depth)
      } else {
        (position, output) = try message(position + 1, body, kind, depth: depth)
      }
      output = close(body, width: width, until: output, index)
      count += 1
      guard try position.advancePastComma() else { break }
    }
    if table[message: kind].isItem { itemCount += count }
    return (position, output)
  }

  private func strings(
    _ start: InputPosition, _ output: OutputPosition, _ field: JSONField
  ) throws(Refusal) -> (InputPosition, OutputPosition) {
    var (position, output) = (start, output)
    repeat {
      guard position.byte == UInt8(ascii: "\"") else { throw Refusal(.string, position) }
      output.store(field.tag)
      (position, output) = try string(position + 1, output + Int(field.tagWidth))
    } while try position.advancePastComma()
    return (position, output)
  }

  private func packed(
    _ start: InputPosition, _ output: OutputPosition, _ index: UInt8
  ) throws(Refusal) -> (InputPosition, OutputPosition) {
    let field = table[index]
    let width = Int(field.lengthWidth)
    let body = output + Int(field.tagWidth) + width
    var (position, output) = (start, body)
    switch field.type {
    case .double:
      repeat {
        let value: Double
        (position, value) = try double(position)
        output.store(value.bitPattern)
        output += 8
      } while try position.advancePastComma()
    case .fixed64:
      repeat {
        let value: UInt64
        (position, value) = try unsigned(position)
        output.store(value)
        output += 8
      } while try position.advancePastComma()
    default:
      repeat {
        (position, output) = try value(position, output, field.type)
      } while try position.advancePastComma()
    }
    return (position, close(body, width: width, until: output, index))
  }

  /// Writes the length of the message or packed list that starts at `body`, for which `width` bytes were reserved.
  @inline(__always)
  private func close(_ body: OutputPosition, width: Int, until end: OutputPosition, _ index: UInt8) -> OutputPosition {
    let count = end - body
    if width == 1 && count < 1 << 7 {
      (body - 1).store(UInt8(truncatingIfNeeded: count))
      return end
    }
    if width == 2 && count >= 1 << 7 && count < 1 << 14 {
      (body - 2).store(UInt16(truncatingIfNeeded: (count & 0x7f) | 0x80 | ((count >> 7) << 8)))
      return end
    }
    table.learn(lengthWidth: OutputPosition.varintWidth(count), of: index)
    return body.closeLength(width: width, until: end)
  }
}

extension InputPosition {
  /// The first place from here on that is not white space as JSON knows it.
  @inline(__always)
  var afterSpace: InputPosition { byte > 0x20 ? self : afterLongSpace }

  @inline(never)
  private var afterLongSpace: InputPosition {
    var position = self
    while true {
      switch position.byte {
      case UInt8(ascii: " "):
        // Indentation comes in runs.
        position += position.word() == 0x2020_2020_2020_2020 ? 8 : 1
      case UInt8(ascii: "\n"), UInt8(ascii: "\r"), UInt8(ascii: "\t"): position += 1
      default: return position
      }
    }
  }

  /// Whether `null` is here.
  @inline(__always)
  var isNull: Bool { halfWord() == 0x6c6c_756e }

  /// Moves over white space and the comma between two elements of an array, or over its `]` and returns false.
  @inline(__always)
  mutating func advancePastComma() throws(Refusal) -> Bool {
    let end = afterSpace
    if end.byte == UInt8(ascii: ",") {
      self = (end + 1).afterSpace
      return true
    }
    guard end.byte == UInt8(ascii: "]") else { throw Refusal(.commaOrBracket, end) }
    self = end + 1
    return false
  }
}
