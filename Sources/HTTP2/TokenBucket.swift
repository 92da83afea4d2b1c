// How often something may happen: a burst at once, and then a steady rate.

/// Counts down with every use and fills up with time.
package struct TokenBucket: Sendable {
  package struct Rate: Sendable {
    package var burst: Int
    package var perSecond: Int

    package init(burst: Int, perSecond: Int) {
      self.burst = burst
      self.perSecond = perSecond
    }
  }

  private let rate: Rate
  private var left: Int
  /// Up to when the bucket was filled, in nanoseconds.
  private var filledAt: UInt64

  package init(_ rate: Rate, at now: UInt64) {
    self.rate = rate
    left = rate.burst
    filledAt = now
  }

  /// Uses one token; false when there is none.
  package mutating func take(at now: UInt64) -> Bool {
    if left == 0 { fill(at: now) }
    if left == 0 { return false }
    left -= 1
    return true
  }

  /// Puts tokens back, for work that earned them.
  package mutating func give(_ count: Int) { left = min(rate.burst, left + count) }

  private mutating func fill(at now: UInt64) {
    guard now > filledAt else { return }
    let earned = min(UInt64(rate.burst), (now - filledAt) / (1_000_000_000 / UInt64(max(1, rate.perSecond))))
    guard earned > 0 else { return }
    left = Int(earned)
    filledAt = now
  }
}
