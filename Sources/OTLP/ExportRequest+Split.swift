// Cutting a request into smaller ones, each complete in itself.

internal import Bytes

extension ExportRequest {
  /// The request in pieces of at most so many items and payload bytes; itself when it fits.
  ///
  /// It is cut between resource groups, between scope groups, between records, and in metrics between data points.
  /// Every piece repeats the resource, the scope, the metric's name and kind, the schema URLs and unknown fields of
  /// what it is a piece of, so that all pieces together are the same telemetry in the same order. An item that alone is
  /// larger than `bytesMax` is a piece of its own. Any thread; costs a look at every tag down to the items, and a copy.
  package func split(itemsMax: Int = .max, bytesMax: Int = .max) -> [ExportRequest] {
    guard itemCount > itemsMax || payload.count > bytesMax else { return [self] }
    var cutter = RequestCutter(payload, signal: signal)
    let pieces = cutter.pieces(itemsMax: itemsMax, bytesMax: bytesMax)
    guard pieces.count > 1 else { return [self] }
    return pieces.map { piece in
      ExportRequest(held: cutter.payload(of: piece), itemCount: cutter.itemCount(of: piece), signal: signal)
    }
  }
}

/// A request taken apart: the messages that can be cut, and the leaves that cannot.
///
///     request ─1─> resource group ─2─> scope group ─2─> span, log record
///                                                  ─2─> metric ─5,7,9,10,11─> gauge, sum, … ─1─> data point
///
/// A message's frame is all of it but its children: what every piece of it repeats. A message without children is a
/// leaf, so that nothing gets lost.
private struct RequestCutter {
  private struct Message {
    /// -1 for the request itself. A message comes behind its parent, and before whatever follows it in the request.
    let parent: Int
    let fieldNumber: Int
    let frame: [Range<Int>]
    let frameBytes: Int
  }

  private struct Leaf {
    let message: Int
    /// With tag and length.
    let range: Range<Int>
    let items: Int
  }

  private let source: Bytes
  /// By depth, the numbers of the fields that are children.
  private let childNumbers: [[Int]]
  private var messages: [Message] = []
  private var leaves: [Leaf] = []
  /// By message: the bytes of its content in the piece at hand; 0 when the piece has nothing of it.
  private var sizes: [Int] = []

  init(_ source: Bytes, signal: Signal) {
    self.source = source
    // MetricsData: `Metric.data` is a oneof of five kinds, whose field 1 is the data points.
    childNumbers = signal == .metrics ? [[1], [2], [2], [5, 7, 9, 10, 11], [1]] : [[1], [2], [2]]
    takeApart(0..<source.count, whole: 0..<source.count, fieldNumber: 0, depth: 0, parent: -1)
    sizes = Array(repeating: 0, count: messages.count)
  }

  private mutating func takeApart(_ content: Range<Int>, whole: Range<Int>, fieldNumber: Int, depth: Int, parent: Int) {
    let children = children(of: content, depth: depth)
    if children.fields.isEmpty, parent >= 0 {
      return leaves.append(Leaf(message: parent, range: whole, items: 0))
    }
    let message = messages.count
    messages.append(
      Message(
        parent: parent, fieldNumber: fieldNumber, frame: children.frame,
        frameBytes: children.frame.reduce(0) { $0 + $1.count }))
    for child in children.fields {
      if depth + 1 == childNumbers.count {
        leaves.append(Leaf(message: message, range: child.whole, items: 1))
      } else {
        takeApart(child.content, whole: child.whole, fieldNumber: child.number, depth: depth + 1, parent: message)
      }
    }
  }

  private typealias Child = (number: Int, content: Range<Int>, whole: Range<Int>)

  private func children(of content: Range<Int>, depth: Int) -> (fields: [Child], frame: [Range<Int>]) {
    var fields: [Child] = []
    var frame: [Range<Int>] = []
    var position = content.lowerBound
    while let field = CheckedField(source.span, at: position, limit: content.upperBound) {
      position = field.end
      let whole = field.start..<field.end
      if field.wireType == 2, childNumbers[depth].contains(Int(field.number)) {
        fields.append((Int(field.number), field.value, whole))
      } else if let last = frame.last, last.upperBound == field.start {
        frame[frame.count - 1] = last.lowerBound..<whole.upperBound
      } else {
        frame.append(whole)
      }
    }
    return (fields, frame)
  }

  // MARK: Pieces

  /// The fewest runs of leaves that keep the limits, in order.
  mutating func pieces(itemsMax: Int, bytesMax: Int) -> [Range<Int>] {
    var pieces: [Range<Int>] = []
    var start = 0
    var items = 0
    for (index, leaf) in leaves.enumerated() {
      add(leaf)
      items += leaf.items
      if index > start, items > itemsMax || sizes[0] > bytesMax {
        pieces.append(start..<index)
        clear(start..<index + 1)
        add(leaf)
        (start, items) = (index, leaf.items)
      }
    }
    clear(start..<leaves.count)
    if start < leaves.count { pieces.append(start..<leaves.count) }
    return pieces
  }

  func itemCount(of piece: Range<Int>) -> Int { leaves[piece].reduce(0) { $0 + $1.items } }

  /// Lets the piece at hand grow by a leaf, and what the leaf is in.
  private mutating func add(_ leaf: Leaf) {
    var message = leaf.message
    var growth = leaf.range.count
    while true {
      let before = sizes[message]
      sizes[message] = (before == 0 ? messages[message].frameBytes : before) + growth
      let (parent, number) = (messages[message].parent, messages[message].fieldNumber)
      guard parent >= 0 else { return }
      growth = fieldBytes(number, content: sizes[message]) - (before == 0 ? 0 : fieldBytes(number, content: before))
      message = parent
    }
  }

  /// Forgets the sizes that these leaves have come to.
  private mutating func clear(_ piece: Range<Int>) {
    for leaf in leaves[piece] {
      var message = leaf.message
      while message >= 0, sizes[message] > 0 {
        sizes[message] = 0
        message = messages[message].parent
      }
    }
  }

  private func fieldBytes(_ number: Int, content: Int) -> Int {
    MessageWriter.varintBytes(UInt64(number) << 3) + MessageWriter.varintBytes(UInt64(content)) + content
  }

  /// The bytes of a piece: each message's frame once, in front of those of its children that are in the piece.
  mutating func payload(of piece: Range<Int>) -> Bytes {
    for leaf in leaves[piece] { add(leaf) }
    var writer = MessageWriter(capacity: sizes[0])
    appendFrame(of: 0, to: &writer)
    // Messages stand in the order of the request: those up to this one are written, or not in the piece.
    var written = 0
    for leaf in leaves[piece] {
      var path: [Int] = []
      var message = leaf.message
      while message > written {
        path.append(message)
        message = messages[message].parent
      }
      for message in path.reversed() {
        writer.append(tag: messages[message].fieldNumber, wireType: 2)
        writer.append(varint: UInt64(sizes[message]))
        appendFrame(of: message, to: &writer)
        written = message
      }
      writer.append(encoded: source.span.extracting(leaf.range))
    }
    clear(piece)
    return writer.finish()
  }

  private func appendFrame(of message: Int, to writer: inout MessageWriter) {
    for range in messages[message].frame { writer.append(encoded: source.span.extracting(range)) }
  }
}
