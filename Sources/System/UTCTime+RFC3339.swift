// Reads the times that people and APIs write: `2026-11-21T12:00:00.5Z`.

extension UTCTime {
  /// Nanoseconds since 1970-01-01 UTC of an RFC 3339 time; nil when the text is none, or one before 1970 or after 2262.
  package static func unixNanoseconds(rfc3339 text: String) -> Int64? {
    var rest = Array(text.utf8)[...]
    guard let year = number(&rest, 4), skip(&rest, "-"), let month = number(&rest, 2), skip(&rest, "-"),
      let day = number(&rest, 2), skip(&rest, "T") || skip(&rest, "t") || skip(&rest, " "),
      let hour = number(&rest, 2), skip(&rest, ":"), let minute = number(&rest, 2), skip(&rest, ":"),
      let second = number(&rest, 2), let fraction = fraction(&rest), let offset = offset(&rest), rest.isEmpty,
      (1970...2262).contains(year), (1...12).contains(month), (1...31).contains(day), hour < 24, minute < 60,
      second <= 60
    else { return nil }
    let seconds = (days(year, month, day) * 24 + hour) * 3600 + minute * 60 + second - offset
    let (nanoseconds, overflow) = Int64(seconds).multipliedReportingOverflow(by: 1_000_000_000)
    return overflow || nanoseconds < 0 ? nil : nanoseconds.addingReportingOverflow(Int64(fraction)).partialValue
  }

  /// Days from 1970-01-01, in eras as in `init(unixNanoseconds:)`.
  private static func days(_ year: Int, _ month: Int, _ day: Int) -> Int {
    let yearFromMarch = month > 2 ? year : year - 1
    let monthFromMarch = month > 2 ? month - 3 : month + 9
    let yearOfEra = yearFromMarch % 400
    let dayOfYear = (153 * monthFromMarch + 2) / 5 + day - 1
    return yearFromMarch / 400 * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
  }

  private static func number(_ rest: inout ArraySlice<UInt8>, _ digits: Int) -> Int? {
    let part = rest.prefix(digits)
    guard part.count == digits, part.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
    rest = rest.dropFirst(digits)
    return part.reduce(0) { $0 * 10 + Int($1 - 0x30) }
  }

  private static func skip(_ rest: inout ArraySlice<UInt8>, _ letter: Unicode.Scalar) -> Bool {
    guard rest.first == UInt8(ascii: letter) else { return false }
    rest = rest.dropFirst()
    return true
  }

  /// Nanoseconds; 0 when there is no fraction.
  private static func fraction(_ rest: inout ArraySlice<UInt8>) -> Int? {
    guard skip(&rest, ".") else { return 0 }
    let digits = rest.prefix { (0x30...0x39).contains($0) }
    rest = rest.dropFirst(digits.count)
    if digits.isEmpty { return nil }
    return (0..<9).reduce(0) { $0 * 10 + ($1 < digits.count ? Int(digits[digits.startIndex + $1] - 0x30) : 0) }
  }

  /// Seconds east of Greenwich.
  private static func offset(_ rest: inout ArraySlice<UInt8>) -> Int? {
    if skip(&rest, "Z") || skip(&rest, "z") { return 0 }
    let isEast = skip(&rest, "+")
    guard isEast || skip(&rest, "-"), let hours = number(&rest, 2), skip(&rest, ":"), let minutes = number(&rest, 2)
    else { return nil }
    return (isEast ? 1 : -1) * (hours * 3600 + minutes * 60)
  }
}
