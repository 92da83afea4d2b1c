// An attribute's or a log body's value, whatever its type.

/// The value of an attribute, an array's element or a log record's body.
package struct AnyValueView: ~Escapable {
  let bytes: Span<UInt8>
  /// Whether the field that holds the value was written at all; an absent value reads as empty.
  package let isPresent: Bool

  @_lifetime(copy bytes)
  init(_ bytes: Span<UInt8>, isPresent: Bool) {
    self.bytes = bytes
    self.isPresent = isPresent
  }

  /// The value by its type.
  package enum Kind: ~Escapable {
    /// No member is set; AnyValue's comment in common.proto: "It is valid for all values to be unspecified".
    case empty
    case string(TextView)
    case bool(Bool)
    case int(Int64)
    case double(Double)
    case array(ArrayView)
    case keyValueList(AttributesView)
    case bytes(BytesView)
  }

  /// What the value is. Unknown fields beside the member are stepped over.
  package var kind: Kind {
    @_lifetime(copy self)
    get {
      let range = bytes.range
      let member = AnyValueMember(range)
      let position = member.position
      switch member.number {
      case 0: return .empty
      case 2: return .bool(position.varint.value != 0)
      case 3: return .int(Int64(bitPattern: position.varint.value))
      case 4: return .double(Double(bitPattern: position.word()))
      default: break
      }
      let content = bytes.extracting(position.content(until: range.end), of: range)
      switch member.number {
      case 1: return .string(TextView(content))
      case 5: return .array(ArrayView(content))
      case 6: return .keyValueList(AttributesView(content, number: 1, from: 0))
      default: return .bytes(BytesView(content))
      }
    }
  }

  /// The text, when the value is a string.
  package var text: TextView? {
    @_lifetime(copy self)
    get {
      switch kind {
      case .string(let text): return text
      default: return nil
      }
    }
  }

  /// The number, when the value is an integer.
  package var int: Int64? {
    switch kind {
    case .int(let value): return value
    default: return nil
    }
  }
}

/// The values of an array, which may differ in type.
package struct ArrayView: ~Escapable {
  private let values: MessagesView

  @_lifetime(copy bytes)
  init(_ bytes: Span<UInt8>) { values = MessagesView(bytes, number: 1, kind: .anyValue, from: 0) }

  package var isEmpty: Bool { values.count == 0 }

  /// The number of values; costs a scan.
  package var count: Int { values.count }

  package func forEach<Failure: Error>(_ body: (AnyValueView) throws(Failure) -> Void) throws(Failure) {
    try values.forEach { (bytes) throws(Failure) in try body(AnyValueView(bytes, isPresent: true)) }
  }
}
