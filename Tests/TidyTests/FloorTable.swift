// The table of targets that ARCHITECTURE.md prints, read back.

import Foundation

/// A row of the table: which floor a target is on, and what it may import.
struct FloorRow {
  let floor: Int
  let targets: [String]
  let purpose: String
  let imports: Set<String>

  /// Rows that wrap a C library, or say so, may import C modules.
  var mayImportC: Bool { imports.contains("C module") || imports.contains("C modules") || purpose.contains("*Wrapper") }
  /// `unsafe` lives where the purpose says so.
  var mayBeUnsafe: Bool { purpose.contains("*Unsafe") || purpose.contains("*Wrapper") }
  var mayImportAll: Bool { imports.contains("all") }
}

enum FloorTable {
  static let rows: [FloorRow] = SourceFile.text("ARCHITECTURE.md").split(separator: "\n").compactMap { line in
    let cells = line.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) }
    guard cells.count == 4, let floor = Int(cells[0]) else { return nil }
    return FloorRow(
      floor: floor, targets: names(cells[1].replacing("`", with: "")), purpose: cells[2], imports: Set(names(cells[3])))
  }

  static func row(of target: String) -> FloorRow? { rows.first { $0.targets.contains(target) } }

  private static func names(_ cell: String) -> [String] {
    cell.split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) }
  }
}
