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
    JSONWriter.flat.append(flat: attributes, to: &buffer)
  }

  /// Appends one value, for example a log record's body; an absent value as `null`, like an empty one.
  package static func append(_ value: borrowing AnyValueView, to buffer: inout ByteBuffer) {
    JSONWriter.flat.append(flat: value, to: &buffer)
  }

  /// Appends events, links, exemplars, quantiles or entity references as an array of objects.
  ///
  /// `[{"time_unix_nano":5,"name":"retry","attributes":{"n":1}}]`: fields that hold their default are left out.
  package static func append(_ messages: borrowing MessagesView, to buffer: inout ByteBuffer) {
    JSONWriter.flat.append(messages, to: &buffer)
  }

  /// Appends bucket counts or bounds as an array of numbers.
  package static func append(_ numbers: borrowing NumbersView, to buffer: inout ByteBuffer) {
    JSONWriter.flat.append(numbers, to: &buffer)
  }

  /// Appends one side of an exponential histogram: `{"offset":-3,"bucket_counts":[1,2]}`.
  package static func append(_ buckets: borrowing BucketsView, to buffer: inout ByteBuffer) {
    JSONWriter.flat.append(buckets.message.bytes, .buckets, to: &buffer)
  }
}

extension JSONWriter {
  func append(flat attributes: borrowing AttributesView, to buffer: inout ByteBuffer) {
    buffer.append(UInt8(ascii: "{"))
    var isFirst = true
    attributes.forEach { key, value in
      if !isFirst { buffer.append(UInt8(ascii: ",")) }
      isFirst = false
      buffer.append(UInt8(ascii: "\""))
      if !key.isEmpty, key.span[0] == UInt8(ascii: "$") { buffer.append(UInt8(ascii: "$")) }
      buffer.append(jsonEscaped: key.span)
      buffer.append("\":" as StaticString)
      if value.isPresent {
        append(flat: value, to: &buffer)
      } else {
        buffer.append("{\"$absent\":null}" as StaticString)
      }
    }
    buffer.append(UInt8(ascii: "}"))
  }

  func append(flat value: borrowing AnyValueView, to buffer: inout ByteBuffer) {
    switch value.kind {
    case .empty: buffer.append("null" as StaticString)
    case .string(let text): buffer.append(jsonText: text.span)
    case .bool(let value): buffer.append(value ? "true" as StaticString : "false")
    case .int(let value): buffer.append(integer: value)
    case .double(let value): append(double: value, to: &buffer)
    case .array(let array): append(flat: array, to: &buffer)
    case .keyValueList(let list): append(flat: list, to: &buffer)
    case .bytes(let data):
      buffer.append("{\"$bytes\":\"" as StaticString)
      buffer.append(base64: data.span)
      buffer.append("\"}" as StaticString)
    }
  }

  private func append(flat array: borrowing ArrayView, to buffer: inout ByteBuffer) {
    buffer.append(UInt8(ascii: "["))
    var isFirst = true
    array.forEach { value in
      if !isFirst { buffer.append(UInt8(ascii: ",")) }
      isFirst = false
      append(flat: value, to: &buffer)
    }
    buffer.append(UInt8(ascii: "]"))
  }
}
