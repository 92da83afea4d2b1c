// Binds what a client sent, and leaves NULL what it did not send.

internal import Bytes
internal import OTLP
internal import SQLite

extension Statement {
  /// Compiles an INSERT of these columns, as parameters 1, 2, 3 …; rows that break a unique index are skipped.
  static func insert(into table: String, _ columns: [String], in database: Database) throws(SQLiteError) -> Statement {
    let parameters = columns.indices.map { "?\($0 + 1)" }
    return try database.prepare(
      "INSERT INTO \(table)(\(columns.joined(separator: ", "))) VALUES (\(parameters.joined(separator: ", "))) "
        + "ON CONFLICT DO NOTHING")
  }

  /// Binds a 64-bit number by its bits: those from 2^63 on read as negative.
  mutating func bind(bits value: UInt64, at index: Int32) { bind(Int64(bitPattern: value), at: index) }

  mutating func bind(present text: TextView, at index: Int32) {
    if !text.isEmpty { bind(text: text.span, at: index) }
  }

  mutating func bind(present text: Bytes, at index: Int32) {
    if !text.isEmpty { bind(text: text.span, at: index) }
  }

  /// Binds an id as it is.
  mutating func bind(present id: BytesView, at index: Int32) {
    if !id.isEmpty { bind(blob: id.span, at: index) }
  }

  /// Binds attributes as one flat JSON object.
  mutating func bind(present attributes: AttributesView, at index: Int32) {
    if !attributes.isEmpty { bindText(at: index) { FlatJSON.append(attributes, to: &$0) } }
  }

  /// Binds events, links, exemplars and the like as a JSON array of objects.
  mutating func bind(present messages: MessagesView, at index: Int32) {
    if !messages.isEmpty { bindText(at: index) { FlatJSON.append(messages, to: &$0) } }
  }

  /// Binds bucket counts or bounds as a JSON array.
  mutating func bind(present numbers: NumbersView, at index: Int32) {
    if !numbers.isEmpty { bindText(at: index) { FlatJSON.append(numbers, to: &$0) } }
  }
}
