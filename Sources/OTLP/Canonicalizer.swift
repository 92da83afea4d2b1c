// The rewriting of the rare requests that are valid protobuf but not in the form that the rest of otlpd relies on.

internal import Bytes

/// Brings a request that `WireWalker` has found valid, but not canonical, into the form of I3 and I5.
///
/// Merges singular messages that were sent in parts, keeps the last of a scalar or oneof member that was sent more than
/// once (Protobuf "Encoding": "Last One Wins"), puts a resource or scope in front of what it describes, leaves out
/// groups, which proto3 cannot express, and drops items with ids of a wrong length. Unknown fields are kept. What is
/// rewritten has its fields in the order of their numbers, what is not stays as it is.
///
/// One look over a message's own fields tells whether they can stay; if not, a second one notes where each occurs first
/// and last. Scalars need no other; a list, or a message in parts, is gone through once more between the two. No
/// message has more than five of those, and the nesting is bounded by I4, so a hostile request costs a multiple of its
/// size.
struct Canonicalizer {
  private let source: Bytes
  /// Where the source's bytes begin.
  private let base: InputPosition
  private let table = WireTable.shared
  /// The parts of messages that are being merged, but the first of each.
  private var parts: [Part] = []
  private var itemCount = 0
  private var droppedItems = 0
  /// Log records that lost an id.
  private var clearedItems = 0
  /// The first field that cost an item.
  private var firstProblem: (place: Int, count: Int, expected: Int)?

  /// A stretch of the source. Small: there may be a quarter as many as the source has bytes.
  private struct Part {
    let start: UInt32
    let end: UInt32
  }

  /// A message in one part or more; `kind` is its kind's raw value.
  private struct Message {
    let kind: UInt8
    let first: InputRange
    /// The other parts, in `parts`.
    let others: Range<Int>

    /// One index for each part; the lowest is that of the first.
    @inline(__always) var indices: Range<Int> { others.lowerBound - 1..<others.upperBound }
  }

  private init(_ source: Bytes, at base: InputPosition) {
    self.source = source
    self.base = base
  }

  /// Rewrites a request.
  static func rewrite(
    _ source: Bytes, signal: Signal
  ) -> (payload: Bytes, itemCount: Int, rejected: ExportRequest.Rejection?) {
    // Nothing grows: fields are copied, left out, or merged under one tag, and lengths become the shortest.
    let capacity = source.count + OutputPosition.slack
    var buffer = ByteBuffer(capacity: capacity)
    // Safe: every position comes from a field that lies in the source, or at most `Bytes.padding` bytes behind it.
    let (itemCount, rejected) = unsafe source.withUnsafePaddedBytes { base, count in
      let base = unsafe InputPosition(base)
      var canonicalizer = Canonicalizer(source, at: base)
      // Safe: see above.
      unsafe buffer.appendUnsafe(capacity: capacity) { output in
        let start = unsafe OutputPosition(output)
        let kind = MessageKind.request(of: signal).rawValue
        let end = canonicalizer.write(kind, InputRange(base, until: base + count), start)
        return end.map { $0 - start } ?? 0
      }
      return (canonicalizer.itemCount, canonicalizer.rejection(signal))
    }
    return (Bytes(copying: buffer.span), itemCount, rejected)
  }

  private func rejection(_ signal: Signal) -> ExportRequest.Rejection? {
    guard let (place, found, expected) = firstProblem else { return nil }
    let path = FieldPath(protobuf: source.span, at: place, signal: signal)
    let reason = "\(path): expected \(expected) bytes, found \(found)"
    let count = signal == .logs ? clearedItems : droppedItems
    let plural = count == 1 ? "" : "s"
    return switch signal {
    case .traces: .init(itemCount: count, message: "\(count) span\(plural) dropped: \(reason)")
    case .metrics: .init(itemCount: count, message: "\(count) data point\(plural) dropped: \(reason)")
    case .logs: .init(itemCount: 0, message: "\(count) log record\(plural) kept without an invalid id: \(reason)")
    }
  }

  // MARK: A message

  /// Writes the fields of a message in one part; returns nil when the item around it is to be dropped.
  private mutating func write(_ kind: UInt8, _ content: InputRange, _ output: OutputPosition) -> OutputPosition? {
    switch survey(kind, content) {
    case .flat: return copy(content, output)
    case .unusual: return writeUnusual(Message(kind: kind, first: content, others: 0..<0), output)
    case .canonical: break
    }
    var output = output
    var position = content.start
    var copied = position
    while position < content.end {
      let wire = WalkedField(at: position, until: content.end)
      position = wire.end
      let row = row(of: wire, in: kind)
      guard row.check == .message, row.accepts(wire.wireType) else { continue }
      if wire.value.isEmpty || row.message == MessageKind.keyValue.rawValue && wire.value.isPlainPair {
        itemCount += Int(row.items)
        continue
      }
      output = copy(InputRange(copied, until: wire.start), output)
      copied = wire.end
      guard let end = writeNested(wire, row, output) else { return nil }
      output = end
    }
    return copy(InputRange(copied, until: content.end), output)
  }

  private enum Survey {
    /// All of the message can stay as it is.
    case flat
    /// The message can, apart from those inside it.
    case canonical
    case unusual
  }

  @inline(__always)
  private func survey(_ kind: UInt8, _ content: InputRange) -> Survey {
    var seen: UInt32 = 0
    var survey = Survey.flat
    var position = content.start
    while position < content.end {
      let wire = WalkedField(at: position, until: content.end)
      position = wire.end
      if wire.wireType == 3 { return .unusual }
      let row = row(of: wire, in: kind)
      guard row.accepts(wire.wireType) else { continue }
      if seen & row.conflicts != 0 || !row.check.accepts(count: wire.value.count) { return .unusual }
      seen |= row.seen
      if row.check == .message { survey = .canonical }
    }
    return survey
  }

  /// Writes the tag, length and contents of a nested message, or nothing when it is an item to be dropped.
  @inline(__always)
  private mutating func writeNested(_ wire: WalkedField, _ row: WireRow, _ output: OutputPosition) -> OutputPosition? {
    let width = OutputPosition.varintWidth(wire.value.count)
    let body = output.varint(UInt64(truncatingIfNeeded: wire.number) << 3 | 2) + width
    guard let end = wire.value.isEmpty ? body : write(row.message, wire.value, body) else {
      guard row.items > 0 else { return nil }
      droppedItems += 1
      return output
    }
    itemCount += Int(row.items)
    return close(body, width: width, until: end)
  }

  @inline(__always)
  private func close(_ body: OutputPosition, width: Int, until end: OutputPosition) -> OutputPosition {
    guard width == 1 else { return body.closeLength(width: width, until: end) }
    // Nothing grows, so it is still one byte.
    (body - 1).store(UInt8(truncatingIfNeeded: end - body))
    return end
  }

  // MARK: An unusual message

  /// Writes the fields of a message that cannot stay as it is, by number.
  @inline(never)
  private mutating func writeUnusual(_ message: Message, _ output: OutputPosition) -> OutputPosition? {
    let places = places(in: message)
    var output = output
    var left = places.seen
    while left != 0 {
      let number = left.trailingZeroBitCount
      left &= left - 1
      let row = table[message.kind, UInt64(truncatingIfNeeded: number)]
      if row.isMember && number != places.member { continue }
      let stretch = InputRange(base + Int(places.first[number]), until: base + Int(places.last[number]))
      let end: OutputPosition?
      if row.isRepeated {
        end = writeList(number, row, of: message, stretch, output)
      } else if row.check == .message {
        end = writeMerged(number, row, of: message, stretch, output)
      } else {
        end = writeScalar(row, of: message.kind, at: stretch.end, output)
      }
      guard let end else { return nil }
      output = end
    }
    return places.hasUnknown ? copyUnknown(message, output) : output
  }

  /// Where a message's fields are.
  private struct Places {
    /// The known fields that occur.
    var seen: UInt32 = 0
    var hasUnknown = false
    /// The number of the oneof's member that counts, the last one; 0: none.
    var member = 0
    /// By field number, where it occurs first; of a oneof's member, since another one did, which clears the others.
    // Literals: `init(repeating:)` is a loop.
    var first: InlineArray<17, UInt32> = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]
    /// By field number, where it occurs last.
    var last: InlineArray<17, UInt32> = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]
  }

  @inline(__always)
  private func places(in message: Message) -> Places {
    var places = Places()
    for index in message.indices {
      let part = part(index, of: message)
      var position = part.start
      while position < part.end {
        let wire = WalkedField(at: position, until: part.end)
        let row = row(of: wire, in: message.kind)
        if row.accepts(wire.wireType) {
          let isFirst = places.seen & row.seen == 0 || row.isMember && places.member != wire.number
          if isFirst { places.first[wire.number] = place(position) }
          if row.isMember { places.member = wire.number }
          places.last[wire.number] = place(position)
          places.seen |= row.seen
        } else if wire.wireType != 3 {
          places.hasUnknown = true
        }
        position = wire.end
      }
    }
    return places
  }

  /// Writes all occurrences of a repeated field, which begin in `stretch` or at its end.
  private mutating func writeList(
    _ number: Int, _ row: WireRow, of message: Message, _ stretch: InputRange, _ output: OutputPosition
  ) -> OutputPosition? {
    var output = output
    for index in message.indices {
      let part = part(index, of: message)
      var position = max(part.start, stretch.start)
      while position < part.end && position <= stretch.end {
        let wire = WalkedField(at: position, until: part.end)
        position = wire.end
        guard wire.number == number, row.accepts(wire.wireType) else { continue }
        if row.check != .message {
          output = copy(InputRange(wire.start, until: wire.end), output)
          continue
        }
        guard let end = writeNested(wire, row, output) else { return nil }
        output = end
      }
    }
    return output
  }

  /// Writes the message that all occurrences of a field are parts of.
  private mutating func writeMerged(
    _ number: Int, _ row: WireRow, of message: Message, _ stretch: InputRange, _ output: OutputPosition
  ) -> OutputPosition? {
    let start = parts.count
    var found: WalkedField?
    var count = 0
    for index in message.indices {
      let part = part(index, of: message)
      var position = max(part.start, stretch.start)
      while position < part.end && position <= stretch.end {
        let wire = WalkedField(at: position, until: part.end)
        position = wire.end
        guard wire.number == number, row.accepts(wire.wireType) else { continue }
        // An empty part says that the message is there, which any other says too.
        if found.map(\.value.isEmpty) ?? true {
          found = wire
        } else if !wire.value.isEmpty {
          parts.append(Part(start: place(wire.value.start), end: place(wire.value.end)))
          count += wire.value.count
        }
      }
    }
    guard let found else { return output }
    if parts.count == start { return writeNested(found, row, output) }
    defer { while parts.count > start { parts.removeLast() } }
    let width = OutputPosition.varintWidth(found.value.count + count)
    let body = output.varint(UInt64(truncatingIfNeeded: number) << 3 | 2) + width
    let whole = Message(kind: row.message, first: found.value, others: start..<parts.count)
    // What is merged is no item: those are repeated.
    return writeUnusual(whole, body).map { close(body, width: width, until: $0) }
  }

  private mutating func writeScalar(
    _ row: WireRow, of kind: UInt8, at start: InputPosition, _ output: OutputPosition
  ) -> OutputPosition? {
    // A place that was noted is that of a field that is inside its message.
    let wire = WalkedField(at: start, until: base + source.count)
    if row.check.accepts(count: wire.value.count) { return copy(InputRange(wire.start, until: wire.end), output) }
    firstProblem = firstProblem ?? (Int(place(start)), wire.value.count, row.check == .traceID ? 16 : 8)
    // Protobuf logs.proto: a record with an invalid id is taken as one that belongs to no trace.
    guard kind == MessageKind.logRecord.rawValue else { return nil }
    clearedItems += 1
    return output
  }

  /// Copies the fields that the message's kind does not have, except groups.
  private func copyUnknown(_ message: Message, _ output: OutputPosition) -> OutputPosition {
    var output = output
    for index in message.indices {
      let part = part(index, of: message)
      var position = part.start
      while position < part.end {
        let wire = WalkedField(at: position, until: part.end)
        position = wire.end
        guard wire.wireType != 3, !row(of: wire, in: message.kind).accepts(wire.wireType) else { continue }
        output = copy(InputRange(wire.start, until: wire.end), output)
      }
    }
    return output
  }

  // MARK: Places

  /// The row of a field; one that accepts no wire type when the kind has no such number.
  @inline(__always)
  private func row(of wire: WalkedField, in kind: UInt8) -> WireRow {
    table[kind, wire.number < MessageIndex.numbers ? UInt64(truncatingIfNeeded: wire.number) : 0]
  }

  @inline(__always)
  private func place(_ position: InputPosition) -> UInt32 { UInt32(position - base) }

  @inline(__always)
  private func part(_ index: Int, of message: Message) -> InputRange {
    guard index >= message.others.lowerBound else { return message.first }
    let part = parts[index]
    return InputRange(base + Int(part.start), until: base + Int(part.end))
  }

  @inline(__always)
  private func copy(_ range: InputRange, _ output: OutputPosition) -> OutputPosition {
    guard range.count > 16 else {
      output.store(range.start.block)
      return output + range.count
    }
    return output.copy(source.span.extracting((range.start - base)..<(range.end - base)))
  }
}

extension WireCheck {
  /// Whether an id of this many bytes is one, or absent (I3).
  @inline(__always)
  fileprivate func accepts(count: Int) -> Bool {
    switch self {
    case .traceID: count == 16 || count == 0
    case .spanID: count == 8 || count == 0
    default: true
    }
  }
}
