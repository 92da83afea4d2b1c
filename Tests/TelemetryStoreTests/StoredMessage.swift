// Rows of a day file made protobuf again, by the table of places.

import Bytes
import OTLP
import SQLite
import TelemetryStore
import Testing

/// One row with its columns by `table.column`.
struct StoredMessage {
  var values: [String: SQLiteValue]

  /// Every row of the statement, whose columns are named `table.column`.
  static func all(_ table: String, in database: Database) throws -> [StoredMessage] {
    let joins = [
      "spans": ["spans", "resources", "scopes"], "logs": ["logs", "resources", "scopes"],
      "points": ["points", "series", "metrics", "resources", "scopes"],
    ]
    var names: [String] = []
    for table in joins[table] ?? [] {
      let columns = try database.rows("SELECT name FROM pragma_table_xinfo('\(table)') ORDER BY cid")
      names += columns.map { "\(table).\($0[0].text ?? "")" }
    }
    let parent = table == "points" ? "series" : table
    let series = "JOIN series ON series.id = points.series_id JOIN metrics ON metrics.id = series.metric_id"
    let rows = try database.rows(
      """
      SELECT \(names.joined(separator: ", ")) FROM \(table) \(table == "points" ? series : "")
      JOIN resources ON resources.id = \(parent).resource_id JOIN scopes ON scopes.id = \(parent).scope_id
      ORDER BY \(table).id
      """)
    return rows.map { StoredMessage(values: Dictionary(uniqueKeysWithValues: zip(names, $0))) }
  }

  subscript(table: String, column: String) -> SQLiteValue { values["\(table).\(column)"] ?? .null }

  /// The message on the wire, fields in the order of their numbers.
  ///
  /// - Parameters:
  ///   - prefix: of the columns, for a message that occurs twice in a row.
  ///   - only: leaves out the other fields.
  func wire(_ kind: MessageKind, prefix: String = "", only: Field? = nil) throws -> [UInt8] {
    var wire = Wire()
    for field in kind.fields.sorted(by: { $0.number < $1.number }) {
      if let only, only.number != field.number { continue }
      switch Place.of(field, in: kind) {
      case .column(let table, let column): try append(field, table, column, to: &wire)
      case .body: try appendBody(field, to: &wire)
      case .columns(let table, let presence):
        guard self[table, presence] != .null, let message = field.message else { continue }
        wire.field(field.number, content: try self.wire(message, prefix: field.name.description + "_"))
      case .member(let name) where kind == .buckets: try append(field, "points", prefix + name, to: &wire)
      default: continue
      }
    }
    return wire.bytes
  }

  private func append(_ field: Field, _ table: String, _ column: String, to wire: inout Wire) throws {
    if case .integer(let value) = self[table, column] {
      if value != 0 || field.occurrence != .singular { wire.field(field, bits: bits(value, field.type)) }
    } else if case .real(let value) = self[table, column] {
      if value != 0 || field.occurrence != .singular { wire.field(field, bits: value.bitPattern) }
    } else if case .text(let text) = self[table, column] {
      try append(field, text, to: &wire)
    } else if self["points", "nan"].text?.split(separator: ",").contains(Substring(column)) == true, table == "points" {
      wire.field(field, bits: Double.nan.bitPattern)
    }
  }

  private func append(_ field: Field, _ text: String, to wire: inout Wire) throws {
    let json = Bytes(text)
    let number = Int(field.number)
    switch (field.occurrence, field.type) {
    case (.repeated, .message) where field.message == .keyValue:
      wire.bytes += try FlatJSON.attributes(from: json, asField: number).array
    case (.repeated, .message):
      wire.bytes += try FlatJSON.messages(from: json, field.message ?? .anyValue, asField: number).array
    case (.repeated, _): wire.bytes += try FlatJSON.numbers(from: json, field.type, asField: number).array
    case (_, .traceID), (_, .spanID):
      let digits = Array(text)
      let bytes = stride(from: 0, to: digits.count, by: 2).map { UInt8(String(digits[$0...($0 + 1)]), radix: 16) ?? 0 }
      wire.field(field.number, content: bytes)
    default: if !text.isEmpty { wire.field(field.number, content: Array(text.utf8)) }
    }
  }

  private func appendBody(_ field: Field, to wire: inout Wire) throws {
    guard let text = self["logs", "body"].text else { return }
    if self["logs", "body_is_json"] == .integer(1) {
      wire.field(field.number, content: try FlatJSON.value(from: Bytes(text)).array)
    } else {
      var value = Wire()
      value.field(1, content: Array(text.utf8))
      wire.field(field.number, content: value.bytes)
    }
  }

  private func bits(_ value: Int64, _ type: FieldType) -> UInt64 {
    type == .sint32 ? UInt64(UInt32(truncatingIfNeeded: value << 1 ^ value >> 31)) : UInt64(bitPattern: value)
  }
}
