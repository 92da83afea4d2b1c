// Rows under headings, for a terminal or a file.

internal import Sinks

/// How a text may look where it goes.
package struct TextStyle: Sendable, Equatable {
  /// Whether colours are wanted: the reader is a terminal, and `NO_COLOR` (no-color.org) is not set.
  package let isColoured: Bool

  package init(isColoured: Bool) { self.isColoured = isColoured }

  /// - Parameter isTerminal: whether standard output is one.
  package init(isTerminal: Bool, environment: [String: String]) {
    isColoured = isTerminal && (environment["NO_COLOR"] ?? "").isEmpty && environment["TERM"] != "dumb"
  }

  func bold(_ text: String) -> String { paint(text, "1") }
  func red(_ text: String) -> String { paint(text, "31") }
  func yellow(_ text: String) -> String { paint(text, "33") }
  func green(_ text: String) -> String { paint(text, "32") }

  private func paint(_ text: String, _ code: String) -> String {
    isColoured && !text.isEmpty ? "\u{1b}[\(code)m\(text)\u{1b}[0m" : text
  }
}

/// A table whose columns are as wide as their longest cell; whatever a cell holds stays on its line.
struct TextTable {
  struct Column {
    let title: String
    /// Numbers stand at the right.
    var isNumber = false
  }

  struct Cell {
    let text: String
    var isBad = false

    /// - Parameter text: may come from anybody; what a terminal would obey is written as an escape.
    init(_ text: String?, scalarsMax: Int = 80, isBad: Bool = false) {
      self.text = (text ?? "-").printable(scalarsMax: scalarsMax)
      self.isBad = isBad
    }
  }

  let columns: [Column]
  var rows: [[Cell]] = []

  /// - Parameter titles: those of columns with numbers begin with `>`.
  init(_ titles: [String]) {
    columns = titles.map { title in
      title.hasPrefix(">") ? Column(title: String(title.dropFirst()), isNumber: true) : Column(title: title)
    }
  }

  func text(_ style: TextStyle) -> String {
    let widths = columns.indices.map { index in
      rows.reduce(columns[index].title.count) { max($0, $1[index].text.count) }
    }
    let header = line(columns.map { Cell($0.title) }, widths) { _, text in style.bold(text) }
    return header
      + rows.map { row in line(row, widths) { cell, text in cell.isBad ? style.red(text) : text } }.joined()
  }

  private func line(_ cells: [Cell], _ widths: [Int], _ paint: (Cell, String) -> String) -> String {
    var line = ""
    var gap = 0
    for (index, cell) in cells.enumerated() {
      let space = widths[index] - cell.text.count
      let before = columns[index].isNumber ? space : 0
      // What would stand at the end of a line is not written.
      if !cell.text.isEmpty { line += String(repeating: " ", count: gap + before) + paint(cell, cell.text) }
      gap = cell.text.isEmpty ? gap + widths[index] + 2 : space - before + 2
    }
    return line + "\n"
  }
}
