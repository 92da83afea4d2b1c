// The operations of a file: what a span did, named so that there are few of them.

internal import Bytes
internal import OTLP
internal import SQLite

/// What kind of thing an operation is; the column `operations.category`.
enum OperationCategory: String {
  /// A request or message that the service answers: `GET /orders/{id}`.
  case route
  /// A database call, its literals stripped.
  case statement
  /// A call to another service, by its name or address.
  case host
  /// A root span of any other kind, by its name.
  case operation
}

/// Finds or inserts the operation of a span.
struct OperationTable: ~Copyable {
  /// Operations of one service in one file; the rest share `(other)`, one per category.
  static let perServiceMax = 500
  /// Names are cut behind this many bytes.
  private static let nameBytesMax = StatementText.bytesMax

  private var rows: ContentTable
  private var counts: [String: Int]
  private var name = ByteBuffer(capacity: 512)

  init(_ database: Database) throws(SQLiteError) {
    let rows = try ContentTable(
      "operations", columns: ["content_hash", "service_name", "category", "kind", "name"], in: database)
    var services = try database.prepare("SELECT coalesce(service_name, ''), count(*) FROM operations GROUP BY 1")
    var counts: [String: Int] = [:]
    while try services.step() { counts[services.text(0) ?? ""] = Int(services.integer(1)) }
    self.rows = rows
    self.counts = counts
  }

  /// The operation of a span; nil for one that is only a step inside its service.
  mutating func id(
    of span: SpanView, _ traits: borrowing SpanTraits, service: Bytes, in database: Database
  ) throws(SQLiteError) -> (id: Int64, category: OperationCategory)? {
    name.removeAll()
    guard let category = describe(span, traits) else { return nil }
    if let id = try OperationTable.find(in: &rows, category, span.kind, service, name) { return (id, category) }
    if counts[service.text, default: 0] >= OperationTable.perServiceMax {
      name.removeAll()
      name.append("(other)" as StaticString)
      if let id = try OperationTable.find(in: &rows, category, span.kind, service, name) { return (id, category) }
    }
    counts[service.text, default: 0] += 1
    return (try OperationTable.add(to: &rows, category, span.kind, service, name, in: database), category)
  }

  private static func find(
    in rows: inout ContentTable, _ category: OperationCategory, _ kind: Int32, _ service: Bytes,
    _ name: borrowing ByteBuffer
  ) throws(SQLiteError) -> Int64? {
    try rows.find { content in
      content.append(category.rawValue)
      content.append(UInt8(truncatingIfNeeded: kind))
      content.append(service)
      content.append(0xff)
      content.append(name.span)
    } _: { statement in
      bind(&statement, category, kind, service, name.span)
    }
  }

  private static func add(
    to rows: inout ContentTable, _ category: OperationCategory, _ kind: Int32, _ service: Bytes,
    _ name: borrowing ByteBuffer, in database: Database
  ) throws(SQLiteError) -> Int64 {
    try rows.add(in: database) { bind(&$0, category, kind, service, name.span) }
  }

  private static func bind(
    _ statement: inout Statement, _ category: OperationCategory, _ kind: Int32, _ service: Bytes, _ name: Span<UInt8>
  ) {
    statement.bind(present: service, at: 2)
    statement.bind(category.rawValue, at: 3)
    statement.bind(Int64(kind), at: 4)
    statement.bind(text: name, at: 5)
  }

  /// Writes the operation's name to `name`.
  private mutating func describe(_ span: SpanView, _ traits: borrowing SpanTraits) -> OperationCategory? {
    switch span.kind {
    case 2, 5:
      if traits.method.isEmpty {
        append(traits.route.isEmpty ? span.name.span : traits.route.span)
      } else {
        append(traits.method.span)
        name.append(0x20)
        // A request that no route matched: its path would make a name of every guess of a scanner.
        if traits.route.isEmpty { name.append("(no route)" as StaticString) } else { append(traits.route.span) }
      }
      return .route
    case 3 where traits.isDatabase || !traits.statement.isEmpty:
      if traits.statement.isEmpty {
        append(span.name.span)
      } else {
        StatementText.append(traits.statement.span, to: &name)
      }
      return .statement
    case 3, 4:
      append(traits.host.isEmpty ? span.name.span : traits.host.span)
      return .host
    default:
      guard span.parentSpanID.isEmpty else { return nil }
      append(span.name.span)
      return .operation
    }
  }

  private mutating func append(_ text: Span<UInt8>) {
    var end = min(text.count, OperationTable.nameBytesMax)
    while end > 0, end < text.count, text[end] & 0xc0 == 0x80 { end -= 1 }
    name.append(text.extracting(0..<end))
  }
}
