// What a scalar means: the rules of go-yaml v3, which the Collector reads its files with.

package import YAML

/// A scalar's value by the core schema, as go-yaml v3 resolves it.
package enum ScalarValue: Equatable, Sendable {
  case null
  case boolean(Bool)
  case integer(Int64)
  case float(Double)
  case string(String)

  /// A quoted or block scalar is always a string.
  package init(_ scalar: YAMLScalar) {
    guard scalar.isPlain else {
      self = .string(scalar.text)
      return
    }
    self = Self.word(scalar.text) ?? Self.number(scalar.text) ?? .string(scalar.text)
  }

  private static func word(_ text: String) -> ScalarValue? {
    switch text {
    case "", "~", "null", "Null", "NULL": .null
    case "true", "True", "TRUE": .boolean(true)
    case "false", "False", "FALSE": .boolean(false)
    case ".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF": .float(.infinity)
    case "-.inf", "-.Inf", "-.INF": .float(-.infinity)
    case ".nan", ".NaN", ".NAN": .float(.nan)
    default: nil
    }
  }

  private static func number(_ text: String) -> ScalarValue? {
    guard let first = text.utf8.first, "+-.0123456789".utf8.contains(first) else { return nil }
    let digits = text.filter { $0 != "_" }
    if let integer = integer(digits) { return .integer(integer) }
    return isFloat(digits) ? Double(digits).map(ScalarValue.float) : nil
  }

  /// Decimal, `0x`, `0o`, `0b`, and a leading zero as octal.
  private static func integer(_ text: String) -> Int64? {
    let sign = text.hasPrefix("-") ? "-" : ""
    var digits = text.hasPrefix("-") || text.hasPrefix("+") ? text.dropFirst() : text[...]
    // `Int64(_:radix:)` takes a sign of its own: `0x-1` is no number.
    guard digits.utf8.first.map({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }) == true else { return nil }
    var radix = 10
    switch digits.prefix(2).lowercased() {
    case "0x": radix = 16
    case "0o": radix = 8
    case "0b": radix = 2
    default: break
    }
    if radix != 10 {
      digits = digits.dropFirst(2)
    } else if digits.count > 1, digits.hasPrefix("0") {
      radix = 8
    }
    guard let first = digits.first, first != "+", first != "-" else { return nil }
    return Int64(sign + digits, radix: radix)
  }

  /// `[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?`
  private static func isFloat(_ text: String) -> Bool {
    var rest = Array(text.utf8)[...]
    func dropDigits() -> Int {
      let count = rest.prefix { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }.count
      rest = rest.dropFirst(count)
      return count
    }
    func drop(_ characters: String) -> Bool {
      guard let first = rest.first, characters.utf8.contains(first) else { return false }
      rest = rest.dropFirst()
      return true
    }
    _ = drop("+-")
    let whole = dropDigits()
    let fraction = drop(".") ? dropDigits() : 0
    guard whole + fraction > 0 else { return false }
    if drop("eE") {
      _ = drop("+-")
      if dropDigits() == 0 { return false }
    }
    return rest.isEmpty
  }
}
