// Every form of Retry-After, and what is none.

import Sinks
import Testing

@Suite("RetryAfter")
struct RetryAfterTests {
  /// 1994-11-06 08:49:37 UTC, the date of the RFC's examples.
  private let now: UInt64 = 784_111_777_000_000_000

  @Test(
    "Seconds and all three forms of a date are understood, and cut to 0 seconds to 5 minutes",
    arguments: [
      ("0", 0), ("7", 7), (" 30 ", 30), ("300", 300), ("301", 300), ("99999999999999999999999", 300),
      ("Sun, 06 Nov 1994 08:49:37 GMT", 0), ("Sun, 06 Nov 1994 08:49:40 GMT", 3),
      ("Sunday, 06-Nov-94 08:50:37 GMT", 300), ("Sun Nov  6 08:51:37 1994", 120), ("Sun Nov 06 08:51:37 1994", 120),
      ("Sun, 06 Nov 1994 08:49:07 GMT", 0), ("Fri, 31 Dec 9999 23:59:59 GMT", 300),
      ("Thu, 01 Jan 1970 00:00:00 GMT", 0),
    ])
  func understood(text: String, seconds: Int) {
    #expect(RetryAfter.parsed(text, now: now) == .seconds(seconds))
  }

  @Test(
    "Anything else is as good as no field",
    arguments: [
      "", " ", "-1", "1.5", "+5", "soon", "0x10", "5 s", "5,6", "Sun, 06 Nov 1994 08:49:37 CET",
      "Sun, 06 Nov 1994 24:00:00 GMT", "Sun, 00 Nov 1994 08:49:37 GMT", "Sun, 06 Nox 1994 08:49:37 GMT",
      "Sun, 06 Nov 1994 08:49 GMT", "Sun, 06 Nov 99999999 08:49:37 GMT", "1994-11-06T08:49:37Z", "\u{0}",
    ])
  func malformed(text: String) { #expect(RetryAfter.parsed(text, now: now) == nil) }

  @Test("Leap days are counted")
  func leapDay() {
    // 2024-02-28 23:59:59 UTC; the next second but one is on 29 February.
    let now: UInt64 = 1_709_164_799_000_000_000
    #expect(RetryAfter.parsed("Thu, 29 Feb 2024 00:00:01 GMT", now: now) == .seconds(2))
  }
}
