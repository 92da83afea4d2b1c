// Attribute lists and the other repeated fields, visited where they lie.

/// A list of key-value pairs in the order the client wrote them; duplicate keys are kept.
package struct AttributesView: ~Escapable {
  /// The pairs as messages.
  private let pairs: MessagesView

  @_lifetime(copy bytes)
  init(_ bytes: Span<UInt8>, number: Int, from start: Int) {
    pairs = MessagesView(bytes, number: number, kind: .keyValue, from: start)
  }

  package var isEmpty: Bool { pairs.isEmpty }

  /// The number of pairs; costs a scan.
  package var count: Int { pairs.count }

  /// The pairs as messages.
  var messages: MessagesView { @_lifetime(copy self) get { pairs } }

  /// Visits the pairs in order.
  @inline(__always)
  package func forEach<Failure: Error>(
    _ body: (_ key: TextView, _ value: AnyValueView) throws(Failure) -> Void
  ) throws(Failure) {
    let range = pairs.bytes.range
    var contents = pairs.contents
    while let pair = contents.next() {
      let parts = KeyValueParts(pair)
      let key = TextView(pairs.bytes.extracting(parts.key, of: range))
      try body(key, AnyValueView(pairs.bytes.extracting(parts.value, of: range), isPresent: parts.hasValue))
    }
  }

  /// The value of the first pair with this key.
  @_lifetime(copy self)
  package func first(_ key: StaticString) -> AnyValueView? {
    let range = pairs.bytes.range
    var contents = pairs.contents
    while let pair = contents.next() {
      let parts = KeyValueParts(pair)
      guard pairs.bytes.extracting(parts.key, of: range).isEqual(to: key) else { continue }
      return AnyValueView(pairs.bytes.extracting(parts.value, of: range), isPresent: parts.hasValue)
    }
    return nil
  }
}

/// The messages of a repeated field: events, links, exemplars, quantiles, entity references.
package struct MessagesView: ~Escapable {
  /// The message that they are a field of.
  let bytes: Span<UInt8>
  let number: Int
  let kind: MessageKind
  /// Offset of the first one's tag, or the end.
  private let start: Int

  @_lifetime(copy bytes)
  init(_ bytes: Span<UInt8>, number: Int, kind: MessageKind, from start: Int) {
    self.bytes = bytes
    self.number = number
    self.kind = kind
    self.start = start
  }

  package var isEmpty: Bool { start == bytes.count }

  /// The number of messages; costs a scan.
  package var count: Int {
    var count = 0
    var contents = contents
    while contents.next() != nil { count += 1 }
    return count
  }

  /// The bytes from the first one on.
  var field: InputRange { bytes.range.dropping(start) }

  /// Valid as long as the bytes are lent.
  var contents: FieldContents { FieldContents(number: number, in: field) }

  @inline(__always)
  func forEach<Failure: Error>(_ body: (Span<UInt8>) throws(Failure) -> Void) throws(Failure) {
    let range = bytes.range
    var contents = contents
    while let content = contents.next() { try body(bytes.extracting(content, of: range)) }
  }
}

/// The numbers of a repeated field, packed or not: bucket counts and bounds.
package struct NumbersView: ~Escapable {
  private let bytes: Span<UInt8>
  let number: Int
  let type: FieldType
  private let start: Int

  @_lifetime(copy bytes)
  init(_ bytes: Span<UInt8>, number: Int, type: FieldType, from start: Int) {
    self.bytes = bytes
    self.number = number
    self.type = type
    self.start = start
  }

  package var isEmpty: Bool { count == 0 }

  /// The number of elements; costs a scan.
  package var count: Int {
    var count = 0
    forEachUInt64 { _ in count += 1 }
    return count
  }

  /// The bytes from the first element on.
  var field: InputRange { bytes.range.dropping(start) }

  /// Visits the elements as unsigned integers; a double's bits.
  package func forEachUInt64<Failure: Error>(_ body: (UInt64) throws(Failure) -> Void) throws(Failure) {
    var elements = FieldNumbers(number: number, type, in: field)
    while let bits = elements.next() { try body(bits) }
  }

  /// Visits the elements as doubles.
  package func forEachDouble<Failure: Error>(_ body: (Double) throws(Failure) -> Void) throws(Failure) {
    try forEachUInt64 { (bits) throws(Failure) in try body(Double(bitPattern: bits)) }
  }
}
