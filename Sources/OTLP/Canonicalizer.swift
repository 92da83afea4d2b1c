// The rewriting of the rare requests that are valid protobuf but not in the form that the rest of otlpd relies on.

internal import Bytes

/// Brings a request that `WireWalker` has found valid, but not canonical, into the form of I3 and I5.
///
/// Merges singular messages that were sent in parts, keeps the last of a scalar or oneof member that was sent more than
/// once (Protobuf "Encoding": "Last One Wins"), puts a resource or scope in front of what it describes, leaves out
/// groups, which proto3 cannot express, and drops items with ids of a wrong length. Unknown fields are kept.
///
/// Costs two looks over the fields of a canonical message, and one look for every field present in any other; the
/// nesting is bounded by I4, so a hostile request costs a multiple of its size.
struct Canonicalizer {
  private let source: Bytes
  private let table = WireTable.shared
  private let schema: [[Field]] = MessageKind.allCases.map(\.fields)
  /// The parts of the messages that are being rewritten, outermost first: a message is a range of this array.
  private var parts: [Range<Int>]
  private var itemCount = 0
  private var droppedItems = 0
  /// Log records that lost an id.
  private var clearedItems = 0
  /// The first field that cost an item.
  private var firstProblem: (field: CheckedField, expected: Int)?

  private init(_ source: Bytes) {
    self.source = source
    parts = [0..<source.count]
  }

  /// Rewrites a request.
  static func rewrite(
    _ source: Bytes, signal: Signal
  ) -> (payload: Bytes, itemCount: Int, rejected: ExportRequest.Rejection?) {
    var canonicalizer = Canonicalizer(source)
    // Nothing grows: fields are copied, left out, or merged under one tag, and lengths become the shortest.
    let capacity = source.count + OutputPosition.slack
    var buffer = ByteBuffer(capacity: capacity)
    // Safe: see the line above.
    unsafe buffer.appendUnsafe(capacity: capacity) { output in
      let start = unsafe OutputPosition(output)
      let end = canonicalizer.message(.request(of: signal), 0..<1, start)
      return end.map { $0 - start } ?? 0
    }
    return (Bytes(copying: buffer.span), canonicalizer.itemCount, canonicalizer.rejection(signal))
  }

  private func rejection(_ signal: Signal) -> ExportRequest.Rejection? {
    guard let (field, expected) = firstProblem else { return nil }
    let path = FieldPath(protobuf: source.span, at: field.start, signal: signal)
    let reason = "\(path): expected \(expected) bytes, found \(field.value.count)"
    let count = signal == .logs ? clearedItems : droppedItems
    let plural = count == 1 ? "" : "s"
    return switch signal {
    case .traces: .init(itemCount: count, message: "\(count) span\(plural) dropped: \(reason)")
    case .metrics: .init(itemCount: count, message: "\(count) data point\(plural) dropped: \(reason)")
    case .logs: .init(itemCount: 0, message: "\(count) log record\(plural) kept without an invalid id: \(reason)")
    }
  }

  /// What one look over a message's own fields tells.
  private struct Shape {
    /// The known fields that occur.
    var seen: UInt32 = 0
    /// Whether the message, apart from those inside it, can stay as it is.
    var isCanonical = true
    var hasUnknown = false
    /// The number of the oneof's member that counts: the last one.
    var member: UInt64?
    /// Where that member occurred first since another one did: setting a member clears the others.
    var memberStart = (part: 0, byte: 0)
  }

  private func shape(of kind: MessageKind, _ range: Range<Int>) -> Shape {
    var shape = Shape()
    shape.isCanonical = range.count == 1
    for part in range {
      forEachField(of: parts[part]) { wire in
        if wire.wireType == 3 {
          shape.isCanonical = false
          return
        }
        guard let row = table.row(of: wire, in: kind) else {
          shape.hasUnknown = true
          return
        }
        if shape.seen & row.conflicts != 0 || !row.check.accepts(count: wire.value.count) { shape.isCanonical = false }
        shape.seen |= row.seen
        if row.isMember && shape.member != wire.number {
          (shape.member, shape.memberStart) = (wire.number, (part, wire.start))
        }
      }
    }
    return shape
  }

  /// Writes the message whose parts are `range` of `parts`; returns nil when the item around it is to be dropped.
  private mutating func message(
    _ kind: MessageKind, _ range: Range<Int>, _ output: OutputPosition
  ) -> OutputPosition? {
    let shape = shape(of: kind, range)
    if shape.isCanonical { return canonicalMessage(kind, parts[range.lowerBound], output) }
    var output = output
    for field in schema[Int(kind.rawValue)] where shape.seen & field.seenBit != 0 {
      let end: OutputPosition?
      switch field.occurrence {
      case .repeated: end = repeated(field, of: kind, range, output)
      case .oneof where UInt64(field.number) != shape.member: continue
      case .oneof: end = singular(field, of: kind, range, from: shape.memberStart, output)
      case .singular, .optional: end = singular(field, of: kind, range, from: (range.lowerBound, 0), output)
      }
      guard let end else { return nil }
      output = end
    }
    return shape.hasUnknown ? unknown(kind, range, output) : output
  }

  /// Copies a message whose own fields are canonical, and rewrites the messages inside.
  private mutating func canonicalMessage(
    _ kind: MessageKind, _ part: Range<Int>, _ output: OutputPosition
  ) -> OutputPosition? {
    var output = output
    var position = part.lowerBound
    var copied = position
    while let wire = CheckedField(source.span, at: position, limit: part.upperBound) {
      position = wire.end
      guard let row = table.row(of: wire, in: kind), row.check == .message else { continue }
      output = output.copy(source.span.extracting(copied..<wire.start))
      copied = wire.end
      guard let end = nested(wire, row, output) else { return nil }
      output = end
    }
    return output.copy(source.span.extracting(copied..<part.upperBound))
  }

  private mutating func repeated(
    _ field: Field, of kind: MessageKind, _ range: Range<Int>, _ output: OutputPosition
  ) -> OutputPosition? {
    var output = output
    for part in range {
      var position = parts[part].lowerBound
      let limit = parts[part].upperBound
      while let wire = CheckedField(source.span, at: position, limit: limit) {
        position = wire.end
        guard wire.number == field.number, let row = table.row(of: wire, in: kind) else { continue }
        guard row.check == .message else {
          output = copy(wire, output)
          continue
        }
        guard let end = nested(wire, row, output) else { return nil }
        output = end
      }
    }
    return output
  }

  /// Writes a field that may occur once: its last value, or the merged parts of its message.
  private mutating func singular(
    _ field: Field, of kind: MessageKind, _ range: Range<Int>, from start: (part: Int, byte: Int),
    _ output: OutputPosition
  ) -> OutputPosition? {
    let firstPart = parts.count
    defer { parts.removeSubrange(firstPart...) }
    var last: CheckedField?
    for part in range {
      var position = parts[part].lowerBound
      while let wire = CheckedField(source.span, at: position, limit: parts[part].upperBound) {
        position = wire.end
        guard wire.number == field.number, table.row(of: wire, in: kind) != nil, (part, wire.start) >= start else {
          continue
        }
        last = wire
        if field.message != nil { parts.append(wire.value) }
      }
    }
    guard let last else { return output }
    if let message = field.message { return nested(last.number, message, firstPart..<parts.count, output) }
    let row = table[kind.rawValue, last.number]
    if row.check.accepts(count: last.value.count) { return copy(last, output) }
    firstProblem = firstProblem ?? (last, row.check == .traceID ? 16 : 8)
    // Protobuf logs.proto: a record with an invalid id is taken as one that belongs to no trace.
    guard kind == .logRecord else { return nil }
    clearedItems += 1
    return output
  }

  private mutating func nested(_ wire: CheckedField, _ row: WireRow, _ output: OutputPosition) -> OutputPosition? {
    parts.append(wire.value)
    defer { parts.removeLast() }
    // Safe to unwrap by the default: the table holds raw values of kinds only.
    let kind = MessageKind(rawValue: row.message) ?? .anyValue
    return nested(wire.number, kind, (parts.count - 1)..<parts.count, output)
  }

  /// Writes the tag, length and contents of a nested message, or nothing when it is an item to be dropped.
  private mutating func nested(
    _ number: UInt64, _ kind: MessageKind, _ range: Range<Int>, _ output: OutputPosition
  ) -> OutputPosition? {
    var expected = 0
    for part in range { expected += parts[part].count }
    let width = OutputPosition.varintWidth(expected)
    let body = output.varint(number << 3 | 2) + width
    if kind.isItem && range.count == 1 && isCanonical(kind, parts[range.lowerBound]) {
      itemCount += 1
      let end = body.copy(source.span.extracting(parts[range.lowerBound]))
      return body.closeLength(width: width, until: end)
    }
    guard let end = message(kind, range, body) else {
      guard kind.isItem else { return nil }
      droppedItems += 1
      return output
    }
    if kind.isItem { itemCount += 1 }
    return body.closeLength(width: width, until: end)
  }

  /// Whether an item can stay as it is: a fast walk over all of it, and items are not inside one another.
  private func isCanonical(_ kind: MessageKind, _ part: Range<Int>) -> Bool {
    // Safe: the part lies inside the source, and the walker reads at most `Bytes.padding` bytes behind it.
    unsafe source.withUnsafePaddedBytes { (base, _) -> Bool in
      let start = unsafe InputPosition(base) + part.lowerBound
      var walker = WireWalker()
      do throws(Refusal) {
        try walker.walk(start, until: start + part.count, message: kind.rawValue, depth: 1)
        return walker.isCanonical
      } catch {
        return false
      }
    }
  }

  /// Copies the fields that the message's kind does not have, except groups.
  private func unknown(_ kind: MessageKind, _ range: Range<Int>, _ output: OutputPosition) -> OutputPosition {
    var output = output
    for part in range {
      forEachField(of: parts[part]) { wire in
        if wire.wireType != 3 && table.row(of: wire, in: kind) == nil { output = copy(wire, output) }
      }
    }
    return output
  }

  private func copy(_ wire: CheckedField, _ output: OutputPosition) -> OutputPosition {
    output.copy(source.span.extracting(wire.start..<wire.end))
  }

  private func forEachField(of range: Range<Int>, _ body: (CheckedField) -> Void) {
    var position = range.lowerBound
    while let wire = CheckedField(source.span, at: position, limit: range.upperBound) {
      body(wire)
      position = wire.end
    }
  }
}

extension WireCheck {
  /// Whether an id of this many bytes is one, or absent (I3).
  fileprivate func accepts(count: Int) -> Bool {
    switch self {
    case .traceID: count == 16 || count == 0
    case .spanID: count == 8 || count == 0
    default: true
    }
  }
}
