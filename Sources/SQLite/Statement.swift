// A compiled statement whose parameters are gathered in one buffer of its own, and whose rows are read in place.

package import Bytes
internal import CSQLite

/// A compiled statement: bind, step, read columns, reset.
///
/// SQLite would copy every text that is bound, or must be promised that its bytes stay alive until the statement ends.
/// Here texts are appended to a buffer that the statement owns, so that the promise holds by construction and a row
/// costs no allocation:
/// 1. SQLite gets pointers into the buffer only when the first `step` runs, never while the buffer still grows.
/// 2. From then until `reset`, nothing can be bound.
/// 3. `reset` clears all bindings before the buffer is used again; a parameter that is not bound is NULL.
@safe
package struct Statement: ~Copyable {
  private struct PendingBytes {
    let index: Int32
    let start: Int
    let count: Int
    let isText: Bool
  }

  /// A buffer that one large row made longer than this is given back.
  private static let bufferBytesMax = 1 << 20

  private let handle: OpaquePointer
  private var buffer = ByteBuffer(capacity: 256)
  private var pending: [PendingBytes] = []
  private var isRunning = false

  /// Takes over the handle.
  @unsafe
  init(handle: OpaquePointer) { unsafe self.handle = handle }

  deinit { unsafe sqlite3_finalize(handle) }

  // MARK: Parameters, counted from 1

  package mutating func bind(_ value: Int64, at index: Int32) {
    precondition(!isRunning, "a running statement takes no parameters")
    // Safe: the handle is alive; an index out of range is an error code.
    let result = unsafe sqlite3_bind_int64(handle, index, value)
    precondition(result == SQLITE_OK, "the statement has the parameter that is bound")
  }

  /// Binds a number; SQLite stores NaN as NULL.
  package mutating func bind(real value: Double, at index: Int32) {
    precondition(!isRunning, "a running statement takes no parameters")
    // Safe: as above.
    let result = unsafe sqlite3_bind_double(handle, index, value)
    precondition(result == SQLITE_OK, "the statement has the parameter that is bound")
  }

  package mutating func bind(_ text: String, at index: Int32) {
    bindText(at: index) { $0.append(text) }
  }

  /// Binds the UTF-8 text that `write` appends.
  @inline(__always)
  package mutating func bindText(at index: Int32, _ write: (inout ByteBuffer) -> Void) {
    precondition(!isRunning, "a running statement takes no parameters")
    let start = buffer.count
    write(&buffer)
    pending.append(PendingBytes(index: index, start: start, count: buffer.count - start, isText: true))
  }

  /// Binds a copy of the span's bytes as UTF-8 text.
  package mutating func bind(text: Span<UInt8>, at index: Int32) {
    precondition(!isRunning, "a running statement takes no parameters")
    let start = buffer.count
    buffer.append(text)
    pending.append(PendingBytes(index: index, start: start, count: text.count, isText: true))
  }

  /// Binds a copy of the span's bytes as a blob.
  package mutating func bind(blob: Span<UInt8>, at index: Int32) {
    precondition(!isRunning, "a running statement takes no parameters")
    let start = buffer.count
    buffer.append(blob)
    pending.append(PendingBytes(index: index, start: start, count: blob.count, isText: false))
  }

  // MARK: Running

  /// Goes to the next row.
  ///
  /// - Returns: whether there is one; when not, the statement is reset.
  package mutating func step() throws(SQLiteError) -> Bool {
    if !isRunning {
      bindPending()
      isRunning = true
    }
    // Safe: the handle is alive, and everything bound lives in `buffer`, which `isRunning` keeps as it is.
    let result = unsafe sqlite3_step(handle)
    if result == SQLITE_ROW { return true }
    guard result == SQLITE_DONE else {
      let error = failure(result)
      reset()
      throw error
    }
    reset()
    return false
  }

  /// Runs a statement that returns no rows, and resets it.
  package mutating func run() throws(SQLiteError) {
    while try step() {}
  }

  /// Ends the run and forgets the parameters.
  package mutating func reset() {
    // Safe: the handle is alive; an error of the last step is returned again and was thrown already.
    unsafe sqlite3_reset(handle)
    unsafe sqlite3_clear_bindings(handle)
    if buffer.capacity > Statement.bufferBytesMax { buffer = ByteBuffer(capacity: 256) }
    buffer.removeAll()
    pending.removeAll(keepingCapacity: true)
    isRunning = false
  }

  private mutating func bindPending() {
    guard !pending.isEmpty else { return }
    let span = buffer.span
    unsafe span.withUnsafeBufferPointer { bytes in
      for item in pending {
        precondition(item.count >= 0 && item.start + item.count <= bytes.count, "a writer only appends")
        // Safe: `start + count` lies inside the buffer, which neither moves nor changes before `reset` clears this.
        let address = unsafe bytes.baseAddress.map { unsafe UnsafeRawPointer($0 + item.start) }
        let result =
          item.isText
          ? unsafe csqlite_bind_static_text(handle, item.index, address, UInt64(item.count))
          : unsafe csqlite_bind_static_blob(handle, item.index, address, UInt64(item.count))
        precondition(result == SQLITE_OK, "the statement has the parameter that is bound")
      }
    }
  }

  // MARK: The row, columns counted from 0

  package var columnCount: Int32 { unsafe sqlite3_column_count(handle) }

  /// What a column is called.
  package func columnName(_ column: Int32) -> String {
    // Safe: SQLite keeps the NUL-terminated name until the next call for this column.
    unsafe sqlite3_column_name(handle, column).map { unsafe String(cString: $0) } ?? ""
  }

  /// Whether the statement leaves every database as it is.
  package var isReadOnly: Bool { unsafe sqlite3_stmt_readonly(handle) != 0 }

  package func isNull(_ column: Int32) -> Bool { unsafe sqlite3_column_type(handle, column) == SQLITE_NULL }

  package func integer(_ column: Int32) -> Int64 { unsafe sqlite3_column_int64(handle, column) }

  package func real(_ column: Int32) -> Double { unsafe sqlite3_column_double(handle, column) }

  /// The column as text; nil when it is NULL.
  package func text(_ column: Int32) -> String? {
    bytes(column).map { $0.text }
  }

  /// A copy of the column's bytes, of a text in UTF-8; nil when it is NULL.
  package func bytes(_ column: Int32) -> Bytes? {
    switch unsafe sqlite3_column_type(handle, column) {
    case SQLITE_NULL: return nil
    case SQLITE_BLOB:
      let address = unsafe sqlite3_column_blob(handle, column)
      return unsafe copy(address, count: sqlite3_column_bytes(handle, column))
    default:
      let address = unsafe UnsafeRawPointer(sqlite3_column_text(handle, column))
      return unsafe copy(address, count: sqlite3_column_bytes(handle, column))
    }
  }

  /// The column in its own storage class.
  package func value(_ column: Int32) -> SQLiteValue {
    switch unsafe sqlite3_column_type(handle, column) {
    case SQLITE_INTEGER: .integer(integer(column))
    case SQLITE_FLOAT: .real(real(column))
    case SQLITE_TEXT: .text(text(column) ?? "")
    case SQLITE_BLOB: .blob(bytes(column) ?? Bytes())
    default: .null
    }
  }

  /// - Parameter address: what SQLite returned for the current row, with `count` bytes behind it.
  @unsafe
  private func copy(_ address: UnsafeRawPointer?, count: Int32) -> Bytes {
    // Safe: SQLite keeps `count` bytes at the address until the next call for this column; they are copied now.
    let raw = unsafe UnsafeRawBufferPointer(start: address, count: address == nil ? 0 : Int(count))
    return unsafe raw.withMemoryRebound(to: UInt8.self) { unsafe Bytes(copying: $0.span) }
  }

  private func failure(_ code: Int32) -> SQLiteError {
    // Safe: both texts are NUL-terminated and copied before the next call.
    let database = unsafe sqlite3_db_handle(handle)
    return unsafe SQLiteError(
      code: code, message: String(cString: sqlite3_errmsg(database)), sql: String(cString: sqlite3_sql(handle)),
      systemCode: sqlite3_system_errno(database))
  }
}
