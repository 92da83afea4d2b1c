// Statements: what is bound comes back, whatever it is, and nothing of one run leaks into the next.

import Bytes
import SQLite
import Testing

@Suite struct StatementTests {
  let database: Database

  init() throws { database = try Database(path: ":memory:", mode: .create) }

  @Test("Every storage class comes back as it was bound")
  func roundTripsValues() throws {
    var statement = try database.prepare("SELECT ?1, ?2, ?3, ?4, ?5, ?6")
    statement.bind(Int64.min, at: 1)
    statement.bind(real: -0.5, at: 2)
    statement.bind("grüß\0e", at: 3)
    statement.bind(blob: Bytes([0, 255, 7]).span, at: 4)
    statement.bind(text: Bytes().span, at: 5)
    let row = try statement.rows()
    #expect(
      row == [
        [
          .integer(.min), .real(-0.5), .text("grüß\0e"), .blob(Bytes([0, 255, 7])), .text(""), .null,
        ]
      ])
  }

  @Test("An empty blob is a blob and no NULL")
  func bindsEmptyBlobs() throws {
    var statement = try database.prepare("SELECT typeof(?1), typeof(?2)")
    statement.bind(blob: Bytes().span, at: 1)
    let rows = try statement.rows()
    #expect(rows == [[.text("blob"), .text("null")]])
  }

  @Test("A parameter that is not bound again is NULL in the next run")
  func forgetsBindings() throws {
    var statement = try database.prepare("SELECT ?1, ?2")
    for round in 0..<3 {
      statement.bind("round \(round)", at: 1)
      if round == 0 { statement.bind(5, at: 2) }
      let rows = try statement.rows()
      #expect(rows == [[.text("round \(round)"), round == 0 ? .integer(5) : .null]])
    }
  }

  @Test("Texts of a row stay whole while the buffer behind them grows", arguments: [1, 3, 1000, 70_000])
  func bindsManyTexts(size: Int) throws {
    try database.execute("CREATE TABLE t(a, b, c)")
    var insert = try database.prepare("INSERT INTO t VALUES (?1, ?2, ?3)")
    for row in 0..<5 {
      for column in 1...3 {
        let byte = UInt8(ascii: "a") + UInt8(row * 3 + column)
        insert.bindText(at: Int32(column)) { buffer in for _ in 0..<size { buffer.append(byte) } }
      }
      try insert.run()
    }
    var rows = try database.prepare("SELECT a, b, c FROM t ORDER BY rowid")
    for row in 0..<5 {
      let isThere = try rows.step()
      #expect(isThere)
      for column in 1...3 {
        let byte = UInt8(ascii: "a") + UInt8(row * 3 + column)
        let bytes = rows.bytes(Int32(column - 1))?.array
        #expect(bytes == [UInt8](repeating: byte, count: size))
      }
    }
  }

  @Test("A failed run resets the statement, so that it can be run again")
  func recoversFromFailure() throws {
    try database.execute("CREATE TABLE t(a INTEGER NOT NULL) STRICT")
    var insert = try database.prepare("INSERT INTO t VALUES (?1)")
    do {
      try insert.run()
      Issue.record("expected an error")
    } catch { #expect(error.cause == .statement) }
    insert.bind(7, at: 1)
    try insert.run()
    #expect(database.changes == 1)
    #expect(try database.rows("SELECT a FROM t") == [[.integer(7)]])
  }
}

extension Statement {
  /// Runs the statement to its end.
  mutating func rows() throws(SQLiteError) -> [[SQLiteValue]] {
    var rows: [[SQLiteValue]] = []
    while try step() { rows.append((0..<columnCount).map { value($0) }) }
    return rows
  }
}
