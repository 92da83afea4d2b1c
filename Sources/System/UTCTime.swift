// A wall-clock stamp as a calendar date and time in UTC.

/// Year, month, day and time of day of a Unix time, in the proleptic Gregorian calendar.
package struct UTCTime: Sendable, Equatable {
  package let year: Int
  package let month: Int
  package let day: Int
  package let hour: Int
  package let minute: Int
  package let second: Int
  package let millisecond: Int

  /// - Parameter unixNanoseconds: nanoseconds since 1970-01-01 UTC.
  package init(unixNanoseconds: UInt64) {
    let seconds = Int(unixNanoseconds / 1_000_000_000)
    let secondOfDay = seconds % 86_400
    hour = secondOfDay / 3_600
    minute = secondOfDay / 60 % 60
    second = secondOfDay % 60
    millisecond = Int(unixNanoseconds / 1_000_000 % 1_000)
    // Days are counted in eras of 400 years that begin on 1 March, so that the leap day comes last in its year.
    let days = seconds / 86_400 + 719_468
    let era = days / 146_097
    let dayOfEra = days % 146_097
    let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let monthFromMarch = (5 * dayOfYear + 2) / 153
    day = dayOfYear - (153 * monthFromMarch + 2) / 5 + 1
    month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
    year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
  }

  /// `2026-11-21`.
  package var date: String { "\(padded(year, 4))-\(padded(month, 2))-\(padded(day, 2))" }
  /// `05:06:07`.
  package var timeOfDay: String { "\(padded(hour, 2)):\(padded(minute, 2)):\(padded(second, 2))" }
  /// RFC 3339 with milliseconds: `2026-11-21T05:06:07.123Z`.
  package var timestamp: String { "\(date)T\(timeOfDay).\(padded(millisecond, 3))Z" }

  private func padded(_ number: Int, _ width: Int) -> String {
    let digits = String(number)
    return String(repeating: "0", count: max(0, width - digits.count)) + digits
  }
}
