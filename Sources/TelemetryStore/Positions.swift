// How far each journal's signals are stored: the journal's sequence numbers, kept inside the files' own transactions.

internal import OTLP
internal import SQLite

/// What a position belongs to: sequence numbers mean nothing outside their journal.
struct PositionKey: Hashable {
  let journal: UInt64
  let signal: Signal
}

/// The highest position of every journal and signal in the files read so far.
///
/// Each file has those of its own transactions and, from its first transaction on, a copy of the older ones. So any
/// one file can be lost, except for what was committed to it alone.
struct Positions {
  struct Position {
    var sequence: UInt64
    var updatedUnixNano: UInt64
  }

  /// Journals in memory get a new id at each start: only the positions used last are copied from file to file.
  private static let copiedMax = 64

  private(set) var all: [PositionKey: Position] = [:]

  subscript(key: PositionKey) -> UInt64? { all[key]?.sequence }

  mutating func advance(_ key: PositionKey, to sequence: UInt64, at time: UInt64) {
    if let old = all[key], old.sequence >= sequence { return }
    all[key] = Position(sequence: sequence, updatedUnixNano: time)
  }

  /// Takes over what a file knows.
  mutating func merge(_ database: Database) throws(SQLiteError) {
    var rows = try database.prepare("SELECT journal, signal, sequence, updated_unix_nano FROM positions")
    while try rows.step() {
      guard let text = rows.text(0), let journal = UInt64(text, radix: 16), let name = rows.text(1),
        let signal = Signal.allCases.first(where: { $0.name == name })
      else { continue }
      advance(
        PositionKey(journal: journal, signal: signal), to: UInt64(bitPattern: rows.integer(2)),
        at: UInt64(bitPattern: rows.integer(3)))
    }
  }

  /// Writes what is known into a new file, in the caller's transaction.
  func copy(to database: Database) throws(SQLiteError) {
    var insert = try Positions.prepareUpdate(in: database)
    let latest = all.sorted { $0.value.updatedUnixNano > $1.value.updatedUnixNano }.prefix(Positions.copiedMax)
    for (key, position) in latest { try Positions.update(&insert, key, position.sequence, position.updatedUnixNano) }
  }

  static func prepareUpdate(in database: Database) throws(SQLiteError) -> Statement {
    try database.prepare(
      """
      INSERT INTO positions(journal, signal, sequence, updated_unix_nano) VALUES (?1, ?2, ?3, ?4)
      ON CONFLICT DO UPDATE SET sequence = excluded.sequence, updated_unix_nano = excluded.updated_unix_nano
      """)
  }

  static func update(
    _ statement: inout Statement, _ key: PositionKey, _ sequence: UInt64, _ time: UInt64
  ) throws(SQLiteError) {
    statement.bind(key.journalText, at: 1)
    statement.bind(key.signal.name, at: 2)
    statement.bind(bits: sequence, at: 3)
    statement.bind(bits: time, at: 4)
    try statement.run()
  }
}

extension PositionKey {
  /// 16 hex digits, as in the column `journal`.
  var journalText: String {
    let digits = String(journal, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
  }
}
