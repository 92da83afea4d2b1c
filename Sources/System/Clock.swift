// The time: a monotonic clock for deadlines and the wall clock for stamps, replaceable by tests.

internal import Glibc

/// A point on a monotonic clock, in nanoseconds since an arbitrary start.
package struct Instant: Comparable, Hashable, Sendable {
  package let nanoseconds: UInt64

  package init(nanoseconds: UInt64) { self.nanoseconds = nanoseconds }

  package static func < (left: Instant, right: Instant) -> Bool { left.nanoseconds < right.nanoseconds }

  /// The instant `duration` later; a negative duration counts as zero, and the far future is the limit.
  package static func + (instant: Instant, duration: Duration) -> Instant {
    let (sum, overflow) = instant.nanoseconds.addingReportingOverflow(duration.nanoseconds)
    return Instant(nanoseconds: overflow ? .max : sum)
  }

  /// How long after `earlier` this is; zero when it is not.
  package func since(_ earlier: Instant) -> Duration {
    .nanoseconds(Int64(clamping: nanoseconds > earlier.nanoseconds ? nanoseconds - earlier.nanoseconds : 0))
  }
}

extension Duration {
  /// Whole nanoseconds; zero when negative, at most `UInt64.max`.
  package var nanoseconds: UInt64 {
    let (seconds, attoseconds) = components
    guard seconds >= 0, attoseconds >= 0 else { return 0 }
    let (product, overflow) = UInt64(seconds).multipliedReportingOverflow(by: 1_000_000_000)
    if overflow { return .max }
    let (sum, carried) = product.addingReportingOverflow(UInt64(attoseconds / 1_000_000_000))
    return carried ? .max : sum
  }

  /// Whole milliseconds, rounded up; at most `Int.max`.
  package var milliseconds: Int { Int(clamping: nanoseconds / 1_000_000 + (nanoseconds % 1_000_000 == 0 ? 0 : 1)) }

  package var seconds: Double { Double(nanoseconds) / 1e9 }
}

/// Tells the time. Tests replace it with a clock that they move by hand.
package protocol Clock: Sendable {
  /// For deadlines, ages and back-off; never goes back.
  var monotonic: Instant { get }
  /// Nanoseconds since 1970-01-01 UTC; for stamps only, since it may jump.
  var wall: UInt64 { get }
}

/// The kernel's clocks.
package struct SystemClock: Clock {
  package init() {}
  package var monotonic: Instant { Instant(nanoseconds: read(CLOCK_MONOTONIC)) }
  package var wall: UInt64 { read(CLOCK_REALTIME) }

  private func read(_ clock: clockid_t) -> UInt64 {
    var time = timespec()
    unsafe clock_gettime(clock, &time)
    return UInt64(clamping: time.tv_sec) &* 1_000_000_000 &+ UInt64(clamping: time.tv_nsec)
  }
}

/// A clock that a test moves by hand.
package final class ManualClock: Clock {
  private let now: Lock<(monotonic: Instant, wall: UInt64)>

  package init(monotonic: Instant = Instant(nanoseconds: 1), wall: UInt64 = 1_760_000_000_000_000_000) {
    now = Lock((monotonic, wall))
  }

  package var monotonic: Instant { now.withLock { $0.monotonic } }
  package var wall: UInt64 { now.withLock { $0.wall } }

  /// Moves both clocks forward.
  package func advance(by duration: Duration) {
    now.withLock {
      $0.monotonic = $0.monotonic + duration
      $0.wall += duration.nanoseconds
    }
  }

  /// Sets the wall clock forward, as somebody does by mistake.
  package func jump(by duration: Duration) { now.withLock { $0.wall += duration.nanoseconds } }
}
