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
      // Almost every value is one short string, and nothing else.
      if bytes.count >= 2, bytes[0] == 0x0a, bytes[1] < 0x80, Int(bytes[1]) + 2 == bytes.count {
        return .string(TextView(bytes.extracting(2..<bytes.count)))
      }
      var reader = WireReader(bytes)
      var member: WireField?
      while let field = reader.next() {
        if AnyValueView.wireType(ofMember: field.number) == field.wireType { member = field }
      }
      guard let member else { return .empty }
      return kind(of: member)
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

  private static func wireType(ofMember number: Int) -> UInt8 {
    switch number {
    case 1, 5, 6, 7: 2
    case 2, 3: 0
    case 4: 1
    default: .max
    }
  }

  @_lifetime(copy self)
  private func kind(of member: WireField) -> Kind {
    let content = bytes.extracting(member.start..<member.end)
    switch member.number {
    case 1: return .string(TextView(content))
    case 2: return .bool(bytes.varint(at: member.start) != 0)
    case 3: return .int(Int64(bitPattern: bytes.varint(at: member.start)))
    case 4: return .double(Double(bitPattern: bytes.fixed64(at: member.start)))
    case 5: return .array(ArrayView(content))
    case 6: return .keyValueList(AttributesView(content, number: 1, from: 0))
    default: return .bytes(BytesView(content))
    }
  }
}

/// The values of an array, which may differ in type.
package struct ArrayView: ~Escapable {
  let bytes: Span<UInt8>

  @_lifetime(copy bytes)
  init(_ bytes: Span<UInt8>) { self.bytes = bytes }

  package var isEmpty: Bool { count == 0 }

  /// The number of values; costs a scan.
  package var count: Int {
    var count = 0
    forEach { _ in count += 1 }
    return count
  }

  package func forEach<Failure: Error>(_ body: (AnyValueView) throws(Failure) -> Void) throws(Failure) {
    var reader = WireReader(bytes)
    while let field = reader.next() {
      guard field.number == 1, field.wireType == 2 else { continue }
      try body(AnyValueView(bytes.extracting(field.start..<field.end), isPresent: true))
    }
  }
}
