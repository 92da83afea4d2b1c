// How long an overloaded server asks to be left alone.

/// RFC 9110 10.2.3: Retry-After holds seconds or a date.
package enum RetryAfter {
  /// What absurd values are cut to.
  package static let longest = Duration.seconds(300)

  /// The wait that the field asks for, zero for a date in the past; nil when it is neither seconds nor a date.
  ///
  /// - Parameter now: nanoseconds since 1970, UTC, to compare a date with.
  package static func parsed(_ text: String, now: UInt64) -> Duration? {
    let text = text.split(separator: " ", omittingEmptySubsequences: true).joined(separator: " ")
    if !text.isEmpty, text.utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }) {
      // Digits that overflow are a very long time.
      return min(.seconds(Int(text) ?? .max), longest)
    }
    guard let date = secondsSince1970(text) else { return nil }
    return max(.zero, min(.seconds(date - Int(now / 1_000_000_000)), longest))
  }

  /// RFC 9110 5.6.7: recipients accept all three forms of an HTTP-date.
  ///
  /// `Sun, 06 Nov 1994 08:49:37 GMT`, `Sunday, 06-Nov-94 08:49:37 GMT` and `Sun Nov  6 08:49:37 1994`.
  private static func secondsSince1970(_ text: String) -> Int? {
    let words = text.split { " ,-".contains($0) }.map(String.init)
    if words.count == 6, words[5] == "GMT", let year = Int(words[3]) {
      // A year of two digits is of this century: no server sends the dates of the last one.
      return seconds(year: words[3].count == 2 ? year + 2000 : year, month: words[2], day: words[1], time: words[4])
    }
    if words.count == 5, let year = Int(words[4]) {
      return seconds(year: year, month: words[1], day: words[2], time: words[3])
    }
    return nil
  }

  private static func seconds(year: Int, month: String, day: String, time: String) -> Int? {
    let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
    let parts = time.split(separator: ":").compactMap { UInt8($0) }
    guard (1970...9999).contains(year), let month = months.firstIndex(of: month), let day = Int(day),
      (1...31).contains(day), parts.count == 3, parts[0] < 24, parts[1] < 60, parts[2] <= 60
    else { return nil }
    let timeOfDay = Int(parts[0]) * 3600 + Int(parts[1]) * 60 + Int(parts[2])
    return days(year: year, month: month + 1, day: day) * 86_400 + timeOfDay
  }

  /// Days from 1970-01-01 to the date.
  private static func days(year: Int, month: Int, day: Int) -> Int {
    // Years begin in March, so that the leap day is the last of its year.
    let marchYear = month <= 2 ? year - 1 : year
    let marchMonth = (month + 9) % 12
    let dayOfYear = (153 * marchMonth + 2) / 5 + day - 1
    return marchYear * 365 + marchYear / 4 - marchYear / 100 + marchYear / 400 + dayOfYear - 719_468
  }
}
