// Whether the wall clock can be believed when it says that days are over.

internal import System

/// Compares the wall clock with the monotonic one from look to look.
///
/// A clock that is set forward by mistake would make every day old at once, and its files go. So after a jump forward,
/// nothing is old before the clock has run for `patience` without another one: time to set it right again. A start long
/// after the last day is one, too.
struct ClockWatch {
  /// Less is a correction.
  private static let jump: UInt64 = 86_400_000_000_000
  private static let patience = Duration.seconds(3600)

  private var wall: UInt64
  private var monotonic: Instant
  private var believedFrom: Instant

  /// The first look.
  ///
  /// - Parameter latest: of the days that are over and have files.
  init(_ clock: any Clock, latest: Day?) {
    monotonic = clock.monotonic
    believedFrom = monotonic
    wall = latest?.end ?? clock.wall
    _ = believes(clock)
  }

  /// Looks at both clocks again.
  ///
  /// - Returns: whether days that are over now may be deleted.
  mutating func believes(_ clock: any Clock) -> Bool {
    let (wall, monotonic) = (clock.wall, clock.monotonic)
    let expected = self.wall &+ monotonic.since(self.monotonic).nanoseconds
    if wall > expected, wall - expected > ClockWatch.jump { believedFrom = monotonic + ClockWatch.patience }
    (self.wall, self.monotonic) = (wall, monotonic)
    return monotonic >= believedFrom
  }
}
