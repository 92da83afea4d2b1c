// Durations, times and numbers as people read them.

internal import System

enum Quantity {
  /// Three digits and a unit: `853 µs`, `12.3 ms`, `1.50 s`, `2.0 min`.
  static func duration(milliseconds: Double?) -> String {
    guard let milliseconds else { return "-" }
    switch abs(milliseconds) {
    case 0: return "0 ms"
    case ..<1: return number(milliseconds * 1000) + " µs"
    case ..<999.5: return number(milliseconds) + " ms"
    case ..<99_950: return number(milliseconds / 1000) + " s"
    default: return fixed(milliseconds / 60_000, 1) + " min"
    }
  }

  /// Three digits where that is exact enough: `0.0123`, `4.56`, `12.3`, `1234`.
  static func number(_ value: Double?) -> String {
    guard let value else { return "-" }
    switch abs(value) {
    case 0: return "0"
    case ..<0.00005: return "\(value)"
    case ..<0.9995: return fixed(value, 4)
    case ..<9.995: return fixed(value, 2)
    case ..<99.95: return fixed(value, 1)
    case ..<1e15: return fixed(value, 0)
    default: return "\(value)"
    }
  }

  static func percent(_ share: Double?) -> String { share.map { fixed($0 * 100, 1) + " %" } ?? "-" }

  /// `2026-11-21 05:06:07.123`, UTC.
  static func time(unixNanoseconds: Int64?) -> String {
    guard let time = unixNanoseconds, time > 0 else { return "-" }
    return String(UTCTime(unixNanoseconds: UInt64(time)).timestamp.dropLast()).replacingT
  }

  /// `1 span`, `7 spans`.
  static func count(_ number: some BinaryInteger, _ noun: String) -> String {
    "\(number) \(noun)\(number == 1 ? "" : "s")"
  }

  static func bytes(_ count: Int) -> String {
    var value = Double(count)
    for unit in ["bytes", "KiB", "MiB", "GiB"] {
      if value < 1024 { return number(value) + " " + unit }
      value /= 1024
    }
    return number(value) + " TiB"
  }

  /// So many digits behind the point, zeros too: the points of a column stand in line.
  static func fixed(_ value: Double, _ digits: Int) -> String {
    let scale = [1.0, 10, 100, 1000, 10_000][digits]
    let scaled = (abs(value) * scale).rounded()
    guard scaled < 9e15 else { return "\(value)" }
    let sign = value < 0 && scaled > 0 ? "-" : ""
    let whole = String(Int64(scaled) / Int64(scale))
    if digits == 0 { return sign + whole }
    let fraction = String(Int64(scaled) % Int64(scale))
    return sign + whole + "." + String(repeating: "0", count: digits - fraction.count) + fraction
  }
}

extension String {
  /// RFC 3339 allows a space between date and time, and people read it more easily.
  fileprivate var replacingT: String { String(map { $0 == "T" ? " " : $0 }) }
}
