// Keeps a message that every request could cause from filling the log.

/// Lets one message through per interval, and says how many it held back before.
package struct LogPace: Sendable {
  private let interval: Duration
  private var quietUntil: Instant?
  private var held = 0

  package init(interval: Duration = .seconds(10)) { self.interval = interval }

  /// The number of messages held back since the last one let through, or nil if this one is held back too.
  package mutating func admit(at now: Instant) -> Int? {
    if let quietUntil, now < quietUntil {
      held += 1
      return nil
    }
    quietUntil = now + interval
    defer { held = 0 }
    return held
  }
}
