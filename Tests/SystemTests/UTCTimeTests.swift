// Calendar dates from Unix times.

import System
import Testing

@Suite struct UTCTimeTests {
  @Test(
    "A Unix time is the date and time that date(1) prints",
    arguments: [
      (0, "1970-01-01T00:00:00.000Z"),
      (951_782_399, "2000-02-28T23:59:59.000Z"),
      (951_782_400, "2000-02-29T00:00:00.000Z"),
      (1_709_251_199, "2024-02-29T23:59:59.000Z"),
      (1_735_689_599, "2024-12-31T23:59:59.000Z"),
      (1_795_237_567, "2026-11-21T05:06:07.000Z"),
      (4_102_444_800, "2100-01-01T00:00:00.000Z"),
    ] as [(UInt64, String)])
  func calendar(seconds: UInt64, text: String) {
    #expect(UTCTime(unixNanoseconds: seconds * 1_000_000_000).timestamp == text)
  }

  @Test("The milliseconds are cut, not rounded")
  func milliseconds() {
    #expect(UTCTime(unixNanoseconds: 1_999_999_999).timestamp == "1970-01-01T00:00:01.999Z")
  }
}
