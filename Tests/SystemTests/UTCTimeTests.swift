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

  @Test("An RFC 3339 time is read to the nanosecond; anything else is none")
  func reading() {
    #expect(UTCTime.unixNanoseconds(rfc3339: "1970-01-01T00:00:00Z") == 0)
    #expect(UTCTime.unixNanoseconds(rfc3339: "2000-02-29t00:00:00.1z") == 951_782_400_100_000_000)
    #expect(UTCTime.unixNanoseconds(rfc3339: "2026-11-21 06:06:07.123456789+01:00") == 1_795_237_567_123_456_789)
    #expect(UTCTime.unixNanoseconds(rfc3339: "2024-12-31T18:59:59-05:00") == 1_735_689_599_000_000_000)
    for text in [
      "", "2026-11-21", "2026-11-21T05:06:07", "2026-13-21T05:06:07Z", "2026-11-21T05:06:07.Z", "1969-12-31T23:59:59Z",
      "2026-11-21T05:06:07Zx", "2026-11-21T24:06:07Z", "2262-12-31T00:00:00Z", "20a6-11-21T05:06:07Z",
    ] {
      #expect(UTCTime.unixNanoseconds(rfc3339: text) == nil, "\(text)")
    }
    for days in stride(from: UInt64(0), to: 106_000, by: 17) {
      let time = days * 86_400_000_000_000
      #expect(UTCTime.unixNanoseconds(rfc3339: UTCTime(unixNanoseconds: time).timestamp) == Int64(time))
    }
  }
}
