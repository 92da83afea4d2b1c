// The WHERE clause of a search, put together with its parameters.

internal import Bytes
internal import SQLite

/// Conditions that all hold, with numbered parameters, so that a text may use one twice.
struct Conditions {
  private(set) var values: [SQLiteValue] = []
  private var parts: [String] = []

  /// Adds a value, and returns the parameter that stands for it: `?3`.
  mutating func parameter(_ value: SQLiteValue) -> String {
    values.append(value)
    return "?\(values.count)"
  }

  mutating func parameter(_ text: String?) -> String { parameter(text.map { .text($0) } ?? .null) }
  mutating func parameter(_ number: Int64) -> String { parameter(.integer(number)) }

  mutating func add(_ condition: String) { parts.append(condition) }

  var sql: String { parts.isEmpty ? "1" : parts.map { "(\($0))" }.joined(separator: " AND ") }
}

extension Statement {
  /// Binds parameters 1, 2, 3 ….
  mutating func bind(_ values: [SQLiteValue]) {
    for (offset, value) in values.enumerated() {
      let index = Int32(offset + 1)
      switch value {
      case .null: break
      case .integer(let number): bind(number, at: index)
      case .real(let number): bind(real: number, at: index)
      case .text(let text): bind(text, at: index)
      case .blob(let bytes): bind(blob: bytes.span, at: index)
      }
    }
  }
}

extension String {
  /// A LIKE pattern of texts that contain this one; `\` escapes.
  var likePattern: String {
    var pattern = "%"
    for character in self {
      if character == "%" || character == "_" || character == "\\" { pattern.append("\\") }
      pattern.append(character)
    }
    return pattern + "%"
  }
}
