// Writes an answer as JSON, piece by piece, without a tree of values.

internal import Bytes
internal import OTLP

/// A JSON text in the making; commas are its own business.
struct JSONText: ~Copyable {
  private var buffer = ByteBuffer(capacity: 4096)
  private var needsComma = false

  consuming func finish() -> Bytes { buffer.finish() }

  mutating func object(_ body: (inout JSONText) -> Void) { enclose("{", "}", body) }

  mutating func array<Element>(_ elements: some Sequence<Element>, _ body: (inout JSONText, Element) -> Void) {
    list { json in
      for element in elements { body(&json, element) }
    }
  }

  /// An array whose elements `body` writes.
  mutating func list(_ body: (inout JSONText) -> Void) { enclose("[", "]", body) }

  /// The next value's name.
  mutating func key(_ name: String) {
    value(name)
    buffer.append(UInt8(ascii: ":"))
    needsComma = false
  }

  mutating func field(_ name: String, _ text: String?) {
    key(name)
    value(text)
  }

  mutating func field(_ name: String, _ number: Int64?) {
    key(name)
    value(number)
  }

  /// Null when it is not finite.
  mutating func field(_ name: String, _ number: Double?) {
    key(name)
    value(number)
  }

  mutating func field(_ name: String, _ flag: Bool) {
    key(name)
    raw(Bytes(flag ? "true" : "false"))
  }

  mutating func field(_ name: String, object body: (inout JSONText) -> Void) {
    key(name)
    object(body)
  }

  mutating func field<Element>(
    _ name: String, array elements: some Sequence<Element>, _ body: (inout JSONText, Element) -> Void
  ) {
    key(name)
    array(elements, body)
  }

  /// A value that is JSON already; null when there is none.
  mutating func field(_ name: String, json: Bytes?) {
    key(name)
    if let json { raw(json) } else { null() }
  }

  mutating func value(_ text: String?) {
    guard let text else { return null() }
    separate()
    buffer.append(jsonText: Bytes(text))
  }

  mutating func value(_ number: Int64?) {
    guard let number else { return null() }
    separate()
    buffer.append(decimal: number)
  }

  mutating func value(_ number: Double?) {
    guard let number, number.isFinite else { return null() }
    separate()
    // `description` is the shortest form that reads back the same, and a JSON number.
    buffer.append(number.description)
  }

  mutating func null() { raw(Bytes("null")) }

  mutating func raw(_ json: Bytes) {
    separate()
    buffer.append(json)
  }

  private mutating func enclose(_ open: StaticString, _ close: StaticString, _ body: (inout JSONText) -> Void) {
    separate()
    buffer.append(open)
    needsComma = false
    body(&self)
    buffer.append(close)
    needsComma = true
  }

  private mutating func separate() {
    if needsComma { buffer.append(UInt8(ascii: ",")) }
    needsComma = true
  }
}
