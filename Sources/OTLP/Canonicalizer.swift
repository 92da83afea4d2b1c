// The rewriting of the rare requests that are valid protobuf but not in the form that the rest of otlpd relies on.

internal import Bytes

/// Brings a request that `WireWalker` has found valid, but not canonical, into the form of I3 and I5.
///
/// Merges singular messages that were sent in parts, keeps the last of a scalar or oneof member that was sent more than
/// once (Protobuf "Encoding": "Last One Wins"), puts a resource or scope in front of what it describes, leaves out
/// groups, which proto3 cannot express, and drops items with ids of a wrong length. Unknown fields are kept.
///
/// Costs one look over a message's fields for every field its kind has; the nesting is bounded by I4.
struct Canonicalizer {
  /// Items that were kept.
  private(set) var itemCount = 0
  private let source: Bytes
  private let schema: [[Field]] = MessageKind.allCases.map(\.fields)
  /// The parts of the messages that are being rewritten, outermost first: a message is a range of this array.
  private var parts: [Range<Int>]
  /// Where the rewriting is.
  private var path = FieldPath()
  private var droppedItems = 0
  /// Log records that lost an id.
  private var clearedItems = 0
  private var firstProblem = ""

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
    var buffer = ByteBuffer(capacity: source.count + OutputPosition.slack)
    // Safe: see the line above.
    unsafe buffer.appendUnsafe(capacity: source.count + OutputPosition.slack) { output in
      let start = unsafe OutputPosition(output)
      guard let end = canonicalizer.message(.request(of: signal), 0..<1, start) else { return 0 }
      return end - start
    }
    return (Bytes(copying: buffer.span), canonicalizer.itemCount, canonicalizer.rejection(signal))
  }

  private func rejection(_ signal: Signal) -> ExportRequest.Rejection? {
    if droppedItems > 0 {
      let items = signal == .traces ? "span" : "data point"
      return ExportRequest.Rejection(
        itemCount: droppedItems, message: "\(droppedItems) \(items)\(droppedItems == 1 ? "" : "s") dropped: \(firstProblem)")
    }
    if clearedItems > 0 {
      let records = clearedItems == 1 ? "log record" : "log records"
      return ExportRequest.Rejection(
        itemCount: 0, message: "\(clearedItems) \(records) kept without an invalid id: \(firstProblem)")
    }
    return nil
  }

  /// Writes the message whose parts are `range` of `parts`; returns nil when the item around it is to be dropped.
  private mutating func message(
    _ kind: MessageKind, _ range: Range<Int>, _ output: OutputPosition
  ) -> OutputPosition? {
    let fields = schema[Int(kind.rawValue)]
    let member = lastMember(of: fields, range)
    var output = output
    for field in fields {
      let end: OutputPosition?
      switch field.occurrence {
      case .repeated: end = repeated(field, range, output)
      case .oneof where field.number != member?.number: continue
      default: end = singular(field, of: kind, range, from: member?.start, output)
      }
      guard let end else { return nil }
      output = end
    }
    return unknown(fields, range, output)
  }

  /// The oneof's member that counts, the last one, and the place of the first occurrence since another member's:
  /// setting a member clears the others.
  private func lastMember(of fields: [Field], _ range: Range<Int>) -> (number: UInt8, start: (part: Int, byte: Int))? {
    var member: (number: UInt8, start: (part: Int, byte: Int))?
    guard fields.contains(where: { $0.occurrence == .oneof }) else { return nil }
    for part in range {
      forEachField(of: parts[part]) { wire in
        guard let field = fields.first(where: { $0.occurrence == .oneof && $0.describes(wire) }) else { return }
        if member?.number != field.number { member = (field.number, (part, wire.start)) }
      }
    }
    return member
  }

  private mutating func repeated(
    _ field: Field, _ range: Range<Int>, _ output: OutputPosition
  ) -> OutputPosition? {
    var output = output
    var index = 0
    for part in range {
      var position = parts[part].lowerBound
      let limit = parts[part].upperBound
      while let wire = CheckedField(source.span, at: position, limit: limit) {
        position = wire.end
        guard field.describes(wire) else { continue }
        guard let kind = field.message else {
          output = copy(wire, output)
          continue
        }
        path.append(field.name, index: index)
        index += 1
        parts.append(wire.value)
        let end = nested(field, kind, (parts.count - 1)..<parts.count, output)
        parts.removeLast()
        path.removeLast()
        if let end {
          output = end
          if kind.isItem { itemCount += 1 }
        } else if kind.isItem {
          droppedItems += 1
        } else {
          return nil
        }
      }
    }
    return output
  }

  private mutating func singular(
    _ field: Field, of kind: MessageKind, _ range: Range<Int>, from start: (part: Int, byte: Int)?,
    _ output: OutputPosition
  ) -> OutputPosition? {
    var last: CheckedField?
    let firstPart = parts.count
    for part in range {
      let isMessage = field.type == .message
      var values: [Range<Int>] = []
      forEachField(of: parts[part]) { wire in
        guard field.describes(wire) else { return }
        // Parts of a oneof's message from before another member do not count.
        if field.occurrence == .oneof, let start, (part, wire.start) < start { return }
        last = wire
        if isMessage { values.append(wire.value) }
      }
      parts.append(contentsOf: values)
    }
    defer { parts.removeSubrange(firstPart...) }
    guard let last else { return output }
    if let message = field.message {
      path.append(field.name, index: nil)
      defer { path.removeLast() }
      return nested(field, message, firstPart..<parts.count, output)
    }
    let bytes = field.type == .traceID ? 16 : 8
    if field.type == .traceID || field.type == .spanID, !last.value.isEmpty, last.value.count != bytes {
      if firstProblem.isEmpty {
        firstProblem = "\(path).\(field.name): expected \(bytes) bytes, found \(last.value.count)"
      }
      // Protobuf logs.proto: a record with an invalid id is taken as one that belongs to no trace.
      guard kind == .logRecord else { return nil }
      clearedItems += 1
      return output
    }
    return copy(last, output)
  }

  /// Writes the tag, length and contents of a nested message.
  private mutating func nested(
    _ field: Field, _ kind: MessageKind, _ range: Range<Int>, _ output: OutputPosition
  ) -> OutputPosition? {
    var expected = 0
    for part in range { expected += parts[part].count }
    let width = OutputPosition.varintWidth(expected)
    let body = output.varint(UInt64(field.number) << 3 | 2) + width
    guard let end = message(kind, range, body) else { return nil }
    return body.closeLength(width: width, until: end)
  }

  /// Copies the fields that the message's kind does not have, except groups.
  private func unknown(_ fields: [Field], _ range: Range<Int>, _ output: OutputPosition) -> OutputPosition {
    var output = output
    for part in range {
      forEachField(of: parts[part]) { wire in
        if wire.wireType == 3 || fields.contains(where: { $0.describes(wire) }) { return }
        output = copy(wire, output)
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
