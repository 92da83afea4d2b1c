// One value of a row, as SQLite's five storage classes.

package import Bytes

/// A value read from a row.
package enum SQLiteValue: Sendable, Equatable {
  case null
  case integer(Int64)
  case real(Double)
  case text(String)
  case blob(Bytes)

  package var integer: Int64? { if case .integer(let value) = self { value } else { nil } }
  package var real: Double? { if case .real(let value) = self { value } else { nil } }
  package var text: String? { if case .text(let value) = self { value } else { nil } }
}
