// The UTC day that a file is for, and the file's name.

internal import System

/// A UTC day of commit. Its file is `telemetry-2026-11-21.db`.
struct Day: Comparable, Hashable {
  /// Days since 1970-01-01.
  let number: Int

  init(number: Int) { self.number = number }

  init(unixNanoseconds: UInt64) { number = Int(unixNanoseconds / Day.nanoseconds) }

  private static let nanoseconds: UInt64 = 86_400_000_000_000
  private static let prefix = "telemetry-"
  private static let suffix = ".db"

  /// The day of a file of this name; nil when it is not a day file's name.
  init?(fileName: String) {
    guard fileName.hasPrefix(Day.prefix), fileName.hasSuffix(Day.suffix) else { return nil }
    let date = fileName.dropFirst(Day.prefix.count).dropLast(Day.suffix.count)
    let parts = date.split(separator: "-", omittingEmptySubsequences: false).map { Int($0) }
    guard date.utf8.count == 10, parts.count == 3, let year = parts[0], let month = parts[1], let day = parts[2],
      year >= 1970, (1...12).contains(month), (1...31).contains(day)
    else { return nil }
    // The way back from a date is found by trying: at most a month of days around a good guess.
    let guess = (year - 1970) * 365 + (year - 1969) / 4 + (month - 1) * 30 + day - 1
    for number in max(0, guess - 40)...(guess + 40) where Day(number: number).date == date {
      self.number = number
      return
    }
    return nil
  }

  /// `2026-11-21`.
  var date: String { UTCTime(unixNanoseconds: UInt64(number) * Day.nanoseconds).date }

  var fileName: String { Day.prefix + date + Day.suffix }

  /// The first moment of the next day, Unix nanoseconds.
  var end: UInt64 { UInt64(number + 1) * Day.nanoseconds }

  static func < (left: Day, right: Day) -> Bool { left.number < right.number }

  /// The day to write to.
  ///
  /// A clock that is set back by less than a day goes on with the newest file, so that a closed file stays closed; one
  /// that was a day or more ahead is not followed for ever.
  static func current(unixNanoseconds: UInt64, newest: Day?) -> Day {
    let today = Day(unixNanoseconds: unixNanoseconds)
    guard let newest, newest.number == today.number + 1 else { return today }
    return newest
  }
}
