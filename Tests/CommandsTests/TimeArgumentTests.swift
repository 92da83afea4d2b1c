// The times on a command line.

import Commands
import Testing

@Suite("Times on the command line")
struct TimeArgumentTests {
  private static let now: UInt64 = 1_764_144_000_000_000_000  // 2025-11-26T08:00:00Z

  @Test(
    "Durations, Unix seconds, dates, and dates with times are times",
    arguments: [
      ("now", 1_764_144_000_000_000_000), ("15m", 1_764_143_100_000_000_000), ("1.5h", 1_764_138_600_000_000_000),
      ("2d", 1_763_971_200_000_000_000), ("1764144000", 1_764_144_000_000_000_000),
      ("2025-11-26", 1_764_115_200_000_000_000), ("2025-11-26T08:00", 1_764_144_000_000_000_000),
      ("2025-11-26 07:59:59.5Z", 1_764_143_999_500_000_000), ("2024-02-29", 1_709_164_800_000_000_000),
      ("1970-01-01", 0),
    ] as [(String, UInt64)])
  func read(_ text: String, _ expected: UInt64) {
    #expect(TimeArgument.unixNanoseconds(text, now: TimeArgumentTests.now) == expected)
  }

  @Test(
    "Anything else is none",
    arguments: ["", "soon", "2025-02-29", "2025-13-01", "2025-11-26T25:00", "-5m", "2025-11-26T08", "1h ago", "nan"])
  func refused(_ text: String) {
    #expect(TimeArgument.unixNanoseconds(text, now: TimeArgumentTests.now) == nil)
  }

  @Test("A range that ends before it begins is refused with a sentence")
  func order() {
    #expect(throws: CommandFailure.self) {
      try TimeRange(since: "1h", until: "2h", now: TimeArgumentTests.now)
    }
  }
}
