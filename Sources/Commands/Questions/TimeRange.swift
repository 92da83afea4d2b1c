// The times on a command line: `--since 1h --until 2026-11-26T07:00`.

internal import Config
internal import System

/// Reads a time: a duration before now (`15m`, `7d`), Unix seconds, a UTC date, or a UTC date and time.
package enum TimeArgument {
  static let expected = "expected a duration such as 15m, 2h or 7d, or a UTC time such as 2026-11-26T07:30"

  /// Unix nanoseconds; nil when the text is no time.
  ///
  /// - Parameter now: Unix nanoseconds.
  package static func unixNanoseconds(_ text: String, now: UInt64) -> UInt64? {
    if text == "now" { return now }
    if let ago = duration(text) { return now > ago ? now - ago : 0 }
    if let seconds = Double(text), seconds >= 0, seconds < 9.2e9 { return UInt64(seconds * 1e9) }
    return date(text)
  }

  /// Nanoseconds of `1h30m` or `7d`.
  private static func duration(_ text: String) -> UInt64? {
    if text.hasSuffix("d"), let days = Double(text.dropLast()), days >= 0, days < 200_000 {
      return UInt64(days * 8.64e13)
    }
    guard let duration = Duration(goSyntax: text), duration > .zero else { return nil }
    return duration.nanoseconds
  }

  /// `2026-11-26`, `2026-11-26T07:30`, `2026-11-26 07:30:15.5Z`.
  private static func date(_ text: String) -> UInt64? {
    let text = text.hasSuffix("Z") ? text.dropLast() : text[...]
    let parts = text.split(maxSplits: 1, omittingEmptySubsequences: false) { $0 == "T" || $0 == " " }
    let date = parts[0].split(separator: "-", omittingEmptySubsequences: false).map { UInt64($0) }
    guard date.count == 3, let year = date[0], let month = date[1], let day = date[2], (1970...2200).contains(year),
      (1...12).contains(month), (1...31).contains(day)
    else { return nil }
    let days = daysSince1970(year: Int(year), month: Int(month), day: Int(day))
    guard UTCTime(unixNanoseconds: days * 86_400_000_000_000).day == Int(day) else { return nil }
    guard parts.count == 2 else { return days * 86_400_000_000_000 }
    let clock = parts[1].split(separator: ":", omittingEmptySubsequences: false)
    guard (2...3).contains(clock.count), let hour = UInt64(clock[0]), hour < 24, let minute = UInt64(clock[1]),
      minute < 60, let second = clock.count == 3 ? Double(clock[2]) : 0, (0..<61).contains(second)
    else { return nil }
    return (days * 86_400 + hour * 3600 + minute * 60) * 1_000_000_000 + UInt64(second * 1e9)
  }

  /// The inverse of `UTCTime`'s calendar: years begin in March, so that the leap day comes last.
  private static func daysSince1970(year: Int, month: Int, day: Int) -> UInt64 {
    let year = month <= 2 ? year - 1 : year
    let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
    let yearOfEra = year % 400
    let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
    return UInt64(max(0, year / 400 * 146_097 + dayOfEra - 719_468))
  }
}

/// From when until when a question asks.
package struct TimeRange: Sendable {
  /// Unix nanoseconds.
  package let from: UInt64
  package let to: UInt64

  /// - Parameters:
  ///   - since: as `TimeArgument` reads it.
  ///   - until: the same; nil for now.
  package init(since: String, until: String?, now: UInt64) throws(CommandFailure) {
    guard let from = TimeArgument.unixNanoseconds(since, now: now) else {
      throw CommandFailure("--since: \(TimeArgument.expected), found \(since)")
    }
    guard let to = until.map({ TimeArgument.unixNanoseconds($0, now: now) }) ?? now else {
      throw CommandFailure("--until: \(TimeArgument.expected), found \(until ?? "")")
    }
    guard from < to else { throw CommandFailure("--since: expected a time before --until, found \(since)") }
    self.from = from
    self.to = to
  }

  /// As the query API takes it: Unix seconds.
  var parameters: [Question.Parameter] { [("from", seconds(from)), ("to", seconds(to))] }

  private func seconds(_ time: UInt64) -> String {
    let fraction = String(time % 1_000_000_000)
    return "\(time / 1_000_000_000)." + String(repeating: "0", count: 9 - fraction.count) + fraction
  }
}

/// Why a command cannot do what it was asked: what is wrong, and what is expected.
package struct CommandFailure: Error, Sendable, CustomStringConvertible {
  package let description: String

  package init(_ description: String) { self.description = description }
}
