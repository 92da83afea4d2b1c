// Attribute lists and the other repeated fields, visited where they lie.

/// A list of key-value pairs in the order the client wrote them; duplicate keys are kept.
package struct AttributesView: ~Escapable {
  /// The message that the pairs are a field of.
  let bytes: Span<UInt8>
  let number: Int
  /// Offset of the first pair's tag, or the end.
  let start: Int

  @_lifetime(copy bytes)
  init(_ bytes: Span<UInt8>, number: Int, from start: Int) {
    self.bytes = bytes
    self.number = number
    self.start = start
  }

  package var isEmpty: Bool { start == bytes.count }

  /// The number of pairs; costs a scan.
  package var count: Int {
    var count = 0
    var reader = WireReader(bytes, from: start)
    while let field = reader.next() {
      if field.number == number, field.wireType == 2 { count += 1 }
    }
    return count
  }

  /// Visits the pairs in order.
  package func forEach<Failure: Error>(
    _ body: (_ key: TextView, _ value: AnyValueView) throws(Failure) -> Void
  ) throws(Failure) {
    var reader = WireReader(bytes, from: start)
    while let field = reader.next() {
      guard field.number == number, field.wireType == 2 else { continue }
      let pair = KeyValueView(bytes.extracting(field.start..<field.end))
      try body(pair.key, pair.value)
    }
  }

  /// The value of the first pair with this key.
  @_lifetime(copy self)
  package func first(_ key: StaticString) -> AnyValueView? {
    var reader = WireReader(bytes, from: start)
    while let field = reader.next() {
      guard field.number == number, field.wireType == 2 else { continue }
      let pair = KeyValueView(bytes.extracting(field.start..<field.end))
      if pair.key == key { return pair.value }
    }
    return nil
  }
}

/// One pair of an attribute list.
struct KeyValueView: ~Escapable {
  let key: TextView
  let value: AnyValueView

  @_lifetime(copy bytes)
  @inline(__always)
  init(_ bytes: Span<UInt8>) {
    // Almost every pair is a short key, then a short value, and nothing else.
    if bytes.count >= 4, bytes[0] == 0x0a, bytes[1] < 0x80 {
      let end = 2 + Int(bytes[1])
      if end + 2 <= bytes.count, bytes[end] == 0x12, bytes[end + 1] < 0x80,
        end + 2 + Int(bytes[end + 1]) == bytes.count
      {
        let value = bytes.extracting((end + 2)..<bytes.count)
        self.init(key: TextView(bytes.extracting(2..<end)), value: AnyValueView(value, isPresent: true))
        return
      }
    }
    self.init(anyLayout: bytes)
  }

  @_lifetime(copy key, copy value)
  private init(key: TextView, value: AnyValueView) {
    self.key = key
    self.value = value
  }

  @_lifetime(copy bytes)
  @inline(never)
  private init(anyLayout bytes: Span<UInt8>) {
    var key = bytes.extracting(0..<0)
    var value = bytes.extracting(0..<0)
    var hasValue = false
    var reader = WireReader(bytes)
    while let field = reader.next() {
      guard field.wireType == 2 else { continue }
      if field.number == 1 {
        key = bytes.extracting(field.start..<field.end)
      } else if field.number == 2 {
        value = bytes.extracting(field.start..<field.end)
        hasValue = true
      }
    }
    self.key = TextView(key)
    self.value = AnyValueView(value, isPresent: hasValue)
  }
}

/// The messages of a repeated field: events, links, exemplars, quantiles, entity references.
package struct MessagesView: ~Escapable {
  let bytes: Span<UInt8>
  let number: Int
  let kind: MessageKind
  let start: Int

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
    forEach { _ in count += 1 }
    return count
  }

  func forEach<Failure: Error>(_ body: (Span<UInt8>) throws(Failure) -> Void) throws(Failure) {
    var reader = WireReader(bytes, from: start)
    while let field = reader.next() {
      guard field.number == number, field.wireType == 2 else { continue }
      try body(bytes.extracting(field.start..<field.end))
    }
  }
}

/// The numbers of a repeated field, packed or not: bucket counts and bounds.
package struct NumbersView: ~Escapable {
  let bytes: Span<UInt8>
  let number: Int
  let type: FieldType
  let start: Int

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

  /// Visits the elements as unsigned integers; a double's bits.
  package func forEachUInt64<Failure: Error>(_ body: (UInt64) throws(Failure) -> Void) throws(Failure) {
    var reader = WireReader(bytes, from: start)
    while let field = reader.next() {
      guard field.number == number else { continue }
      // protobuf "Packed repeated fields": both forms, also mixed.
      guard field.wireType == 2 || field.wireType == type.wireType else { continue }
      var offset = field.start
      while offset < field.end {
        if type.wireType == 1 {
          try body(bytes.fixed64(at: offset))
          offset += 8
        } else {
          var element = WireReader(bytes, from: offset)
          try body(element.readVarint())
          offset = element.offset
        }
      }
    }
  }

  /// Visits the elements as doubles.
  package func forEachDouble<Failure: Error>(_ body: (Double) throws(Failure) -> Void) throws(Failure) {
    try forEachUInt64 { (bits) throws(Failure) in try body(Double(bitPattern: bits)) }
  }
}
