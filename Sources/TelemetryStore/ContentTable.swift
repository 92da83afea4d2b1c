// A table whose rows are stored once per content: resources, scopes, metrics and series.

internal import Bytes
internal import SQLite

/// Finds or inserts the row of a content, with a bounded memory of the last ones.
///
/// A hash narrows the search, in memory and in the file; the content itself decides, so equal hashes do no harm.
struct ContentTable: ~Copyable {
  private struct Known {
    let content: Bytes
    let id: Int64
  }

  /// Bytes of content remembered before everything is forgotten and looked up again.
  private static let knownBytesMax = 4 << 20
  /// A longer content is not remembered, and the buffer it made grow is given back.
  private static let contentBytesMax = 64 << 10

  private var search: Statement
  private var insert: Statement
  private var known: [UInt64: Known] = [:]
  private var knownBytes = 0
  /// Where a content is put together; kept to save allocations.
  private var content = ByteBuffer(capacity: 1024)
  private var hash: UInt64 = 0

  /// - Parameter columns: besides `id`; the first is `content_hash`. Both statements take them as parameters in order.
  init(_ table: String, columns: [String], in database: Database) throws(SQLiteError) {
    let matches = columns.enumerated().map { "\($1) IS ?\($0 + 1)" }
    let search = try database.prepare("SELECT id FROM \(table) WHERE \(matches.joined(separator: " AND "))")
    let insert = try Statement.insert(into: table, columns, in: database)
    self.search = search
    self.insert = insert
  }

  /// The id of the row with this content, inserted if it is new.
  ///
  /// - Parameters:
  ///   - describe: appends what tells rows apart; everything that `bind` binds follows from it.
  ///   - bind: binds the columns behind the first, from parameter 2 on; may be called twice.
  mutating func id(
    in database: Database, _ describe: (inout ByteBuffer) -> Void, _ bind: (inout Statement) -> Void
  ) throws(SQLiteError) -> Int64 {
    if let found = try find(describe, bind) { return found }
    return try add(in: database, bind)
  }

  /// The id of the row with this content; nil when there is none, and `add` may follow.
  mutating func find(
    _ describe: (inout ByteBuffer) -> Void, _ bind: (inout Statement) -> Void
  ) throws(SQLiteError) -> Int64? {
    content.removeAll()
    describe(&content)
    let hash = content.span.contentHash
    self.hash = hash
    if let old = known[hash], old.content.span.isEqual(to: content.span) { return old.id }
    guard let found = try search(bind) else { return nil }
    remember(found)
    return found
  }

  /// Inserts the row whose content `find` did not find.
  mutating func add(in database: Database, _ bind: (inout Statement) -> Void) throws(SQLiteError) -> Int64 {
    insert.bind(Int64(bitPattern: hash), at: 1)
    bind(&insert)
    try insert.run()
    let id = database.lastInsertedRow
    remember(id)
    return id
  }

  private mutating func remember(_ id: Int64) {
    guard content.count <= ContentTable.contentBytesMax else {
      content = ByteBuffer(capacity: 1024)
      return
    }
    if knownBytes > ContentTable.knownBytesMax {
      known.removeAll()
      knownBytes = 0
    }
    known[hash] = Known(content: Bytes(copying: content.span), id: id)
    knownBytes += content.count + Bytes.padding
  }

  private mutating func search(_ bind: (inout Statement) -> Void) throws(SQLiteError) -> Int64? {
    search.bind(Int64(bitPattern: hash), at: 1)
    bind(&search)
    guard try search.step() else { return nil }
    let id = search.integer(0)
    search.reset()
    return id
  }
}

extension Span<UInt8> {
  /// FNV-1a, 64 bits: the same in every process, as the file's column `content_hash` needs it.
  package var contentHash: UInt64 {
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    for index in indices { hash = (hash ^ UInt64(self[index])) &* 0x100_0000_01b3 }
    return hash
  }

  func isEqual(to other: Span<UInt8>) -> Bool {
    guard count == other.count else { return false }
    for index in indices where self[index] != other[index] { return false }
    return true
  }
}
