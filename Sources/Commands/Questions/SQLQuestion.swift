// `otlpd sql`: a SELECT over the day files.

internal import Bytes
internal import SQLite
internal import TelemetryStore

extension QuestionDesk {
  /// Rows that a table shows; JSON has all of them.
  private static let tableRowsMax = 10_000

  /// Runs one statement that reads.
  ///
  /// - Parameter day: the one day to ask, `2026-11-26`; nil for all.
  /// - Returns: whether it ran to its end.
  package func sql(_ statement: String, day: String?) -> Bool {
    guard hasFiles else { return fail(advice) }
    var printer = RowPrinter(format: format, output: output)
    do throws(QueryError) {
      let skipped = try reader.sql(
        statement, day: day, columns: { printer.columns = $0 },
        row: { row in
          printer.add(row)
          return format != .table || printer.rows.count <= QuestionDesk.tableRowsMax
        })
      if format == .table { printTable(&printer) }
      printer.finish()
      note(skipped: skipped.map { ($0.name, $0.reason) })
      return true
    } catch {
      return fail(error)
    }
  }

  private func printTable(_ printer: inout RowPrinter) {
    let isCut = printer.rows.count > QuestionDesk.tableRowsMax
    if isCut { printer.rows.removeLast() }
    let areNumbers = printer.columns.indices.map { index in
      printer.rows.allSatisfy { row in
        switch row[index] {
        case .integer, .real, .null: true
        default: false
        }
      }
    }
    var table = TextTable(
      printer.columns.indices.map { index in
        (areNumbers[index] ? ">" : "") + TextTable.Cell(printer.columns[index]).text
      })
    table.rows = printer.rows.map { row in row.map { TextTable.Cell($0.shown, scalarsMax: 200) } }
    output(table.text(style))
    if isCut { complaint("only the first \(QuestionDesk.tableRowsMax) rows are shown; --output ndjson has all\n") }
  }
}

/// Prints rows as JSON while they come, or keeps them for a table.
private struct RowPrinter {
  let format: OutputFormat
  let output: @Sendable (String) -> Void
  var columns: [String] = []
  var rows: [[SQLiteValue]] = []
  private var isFirst = true

  init(format: OutputFormat, output: @escaping @Sendable (String) -> Void) {
    self.format = format
    self.output = output
  }

  mutating func add(_ row: [SQLiteValue]) {
    guard format != .table else { return rows.append(row) }
    let object = JSONValue.object(zip(columns, row).map { JSONValue.Member($0, $1.json) }).json
    output(format == .ndjson ? object + "\n" : (isFirst ? "[" : ",\n ") + object)
    isFirst = false
  }

  func finish() {
    if format == .json { output(isFirst ? "[]\n" : "]\n") }
  }
}

extension SQLiteValue {
  /// As SQLite's shell shows it, but for bytes, which are hex.
  fileprivate var shown: String {
    switch self {
    case .null: ""
    case .integer(let number): "\(number)"
    case .real(let number): "\(number)"
    case .text(let text): text
    case .blob(let bytes): bytes.hexDigits
    }
  }

  fileprivate var json: JSONValue {
    switch self {
    case .null: .null
    case .integer(let number): .number("\(number)")
    // JSON has no infinity.
    case .real(let number): number.isFinite ? .number("\(number)") : .null
    case .text(let text): .text(text)
    case .blob(let bytes): .text(bytes.hexDigits)
    }
  }
}

extension Bytes {
  fileprivate var hexDigits: String {
    array.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
  }
}
