// The flat form of attributes and records, made for SQL: `{"http.route":"/orders","n":5}`, and back without loss.
//
// Problem: OTLP's own JSON hides an attribute two levels deep in a list, where `json_extract` cannot find it. A plain
// object is easy to query, but loses types. So the form is plain where it can be and marked where it must be:
//
// | OTLP                          | flat                                  |
// |-------------------------------|---------------------------------------|
// | string, bool                  | JSON string, `true`, `false`          |
// | int                           | digits, nothing else: `5`             |
// | double                        | always with `.` or `e`: `5.0`, `1e-07` |
// | NaN, +-infinity               | `{"$double":"NaN"}`, `"Infinity"`, `"-Infinity"` |
// | bytes                         | `{"$bytes":"base64"}`                 |
// | array, kvlist                 | array, object                         |
// | empty AnyValue                | `null`                                |
// | key without a value           | `{"$absent":null}`                    |
// | key that starts with `$`      | one more `$` in front                 |
//
// 1. Order and duplicate keys are kept: the text is a list in the form of an object.
// 2. Every NaN is the one NaN; unknown fields are not kept. Everything else converts back to the same wire bytes, as
//    long as those were canonical (fields in the order of their numbers, defaults left out).
// 3. Messages (events, links, exemplars, buckets) are objects with the names of the .proto file, ids in hex, and 64-bit
//    integers bare: SQLite reads those above 2^63 - 1 (times after the year 2262) as REAL, the text itself is exact.

package import Bytes

/// Writes attributes, values and records in the flat form.
package enum FlatJSON {
  /// Appends the list as an object.
  package static func append(_ attributes: borrowing AttributesView, to buffer: inout ByteBuffer) {
    append(attributes.messages, to: &buffer)
  }

  /// Appends one value, for example a log record's body; an absent value as `null`, like an empty one.
  package static func append(_ value: borrowing AnyValueView, to buffer: inout ByteBuffer) {
    JSONWriter.flat.append(flat: value.bytes.range, to: &buffer)
  }

  /// Appends events, links, exemplars, quantiles or entity references as an array of objects.
  ///
  /// `[{"time_unix_nano":5,"name":"retry","attributes":{"n":1}}]`: fields that hold their default are left out.
  package static func append(_ messages: borrowing MessagesView, to buffer: inout ByteBuffer) {
    JSONWriter.flat.append(messages: messages.field, messages.number, messages.kind.rawValue, to: &buffer)
  }

  /// Appends bucket counts or bounds as an array of numbers.
  package static func append(_ numbers: borrowing NumbersView, to buffer: inout ByteBuffer) {
    JSONWriter.flat.append(numbers: numbers.field, numbers.number, numbers.type, to: &buffer)
  }

  /// Appends one side of an exponential histogram: `{"offset":-3,"bucket_counts":[1,2]}`.
  package static func append(_ buckets: borrowing BucketsView, to buffer: inout ByteBuffer) {
    JSONWriter.flat.append(buckets.message.bytes.range, MessageKind.buckets.rawValue, to: &buffer)
  }
}

extension JSONWriter {
  /// Appends a pair as a member of an object, with a comma in front.
  @inline(__always)
  func append(flatPair pair: KeyValueParts, to buffer: inout ByteBuffer) {
    if !pair.key.isEmpty, pair.key.start.byte == UInt8(ascii: "$") {
      buffer.append(text: pair.key, behind: letters.nextEscapedText)
    } else {
      buffer.append(text: pair.key, behind: letters.nextText)
    }
    buffer.append(UInt8(ascii: ":"))
    if pair.hasValue {
      append(flat: pair.value, to: &buffer)
    } else {
      buffer.append("{\"$absent\":null}" as StaticString)
    }
  }

  /// Appends an AnyValue.
  func append(flat value: InputRange, to buffer: inout ByteBuffer) {
    let member = AnyValueMember(value)
    let position = member.position
    switch member.number {
    case 0: buffer.append("null" as StaticString)
    case 1: buffer.append(text: position.content(until: value.end), behind: letters.text)
    case 2: append(number: position.varint.value, .bool, isQuoted: false, behind: letters.nothing, to: &buffer)
    case 3: append(number: position.varint.value, .int64, isQuoted: false, behind: letters.nothing, to: &buffer)
    case 4: append(double: Double(bitPattern: position.word()), behind: letters.nothing, to: &buffer)
    case 5: append(flatArray: position.content(until: value.end), to: &buffer)
    case 6:
      append(messages: position.content(until: value.end), 1, MessageKind.keyValue.rawValue, to: &buffer)
    default:
      buffer.append(base64: position.content(until: value.end), behind: letters.flatBytes)
      buffer.append(UInt8(ascii: "}"))
    }
  }

  private func append(flatArray array: InputRange, to buffer: inout ByteBuffer) {
    let start = buffer.count
    var values = FieldContents(number: 1, in: array)
    while let value = values.next() {
      buffer.append(UInt8(ascii: ","))
      append(flat: value, to: &buffer)
    }
    buffer.close(from: start, UInt8(ascii: "["), UInt8(ascii: "]"))
  }
}
