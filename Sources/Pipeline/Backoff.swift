// How long to wait before the next attempt.

internal import System

/// Growing, jittered intervals; one per batch that fails.
package struct Backoff: Sendable {
  private let settings: RetrySettings
  private var interval: Duration

  /// However small the settings are, a failing sink is no busy loop.
  private static let intervalMin = Duration.milliseconds(10)

  package init(_ settings: RetrySettings) {
    self.settings = settings
    interval = settings.initialInterval
  }

  /// The next interval.
  ///
  /// OTLP exporters wait at least as long as the peer asks for ("OTLP/HTTP Throttling"), here five minutes at most.
  /// - Parameters:
  ///   - requested: the peer's Retry-After.
  ///   - jitter: random in -1 ... 1.
  package mutating func next(requested: Duration?, jitter: Double) -> Duration {
    let drawn = Duration.seconds(interval.seconds * (1 + settings.randomizationFactor * jitter))
    interval = .seconds(min(interval.seconds * settings.multiplier, settings.maxInterval.seconds))
    return max(drawn, Backoff.intervalMin, Backoff.clamped(requested))
  }

  /// A peer's wish as far as it is heard.
  package static func clamped(_ requested: Duration?) -> Duration {
    min(max(requested ?? .zero, .zero), RetrySettings.retryAfterMax)
  }
}
