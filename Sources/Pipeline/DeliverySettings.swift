// How a sink's telemetry is batched and retried, with the Collector's defaults.

package import Journal

/// The code's form of `sending_queue`, `retry_on_failure` and `when_full` of one sink.
package struct DeliverySettings: Sendable, Equatable {
  package var batch: BatchSettings
  package var retry: RetrySettings
  /// What happens to this sink when it lags, and the journal is full or it has as much as its limit says.
  package var whenFull: WhenFull
  /// How much may wait for each signal of the sink; nil: as much as the journal holds.
  package var lagLimit: LagLimit?
  /// Calls of the sink at the same time, at least 1: so many threads it has. With more than one, batches overtake each
  /// other.
  package var consumers: Int
  /// Whether requests may be cut to keep a batch's limits, and small ones merged. Not for a sink that keeps positions:
  /// it takes everything up to a batch's last sequence number in one call.
  package var mayReshape: Bool

  package init(
    batch: BatchSettings = BatchSettings(), retry: RetrySettings = RetrySettings(), whenFull: WhenFull = .refuse,
    lagLimit: LagLimit? = nil, consumers: Int = 1, mayReshape: Bool = false
  ) {
    self.batch = batch
    self.retry = retry
    self.whenFull = whenFull
    self.lagLimit = lagLimit
    self.consumers = consumers
    self.mayReshape = mayReshape
  }
}

/// How much one call of a sink gets.
///
/// Without a minimum, a batch is whatever waits when the sink is free: a request goes out at once when the sink is
/// idle, and many together when it is not. That wakes the sink's thread for every request while it keeps up, so sinks
/// for which some milliseconds do not matter have a minimum. While a batch of the same signal is under way, the next
/// one goes out beside it when it is full or 200 ms old: parallel requests are for a peer that needs them.
package struct BatchSettings: Sendable, Equatable {
  /// Items in one batch: a maximum, unless the sink's requests may not be reshaped and one request alone has more.
  package var itemsMax: Int
  /// Payload bytes in one batch; the same holds, and a single larger item goes alone.
  package var bytesMax: Int
  package var minimum: Minimum?

  /// Wait for this much, or for this long.
  package struct Minimum: Sendable, Equatable {
    package var items: Int
    /// Payloads and the journal's overhead; not looked at when it is `.max`.
    package var bytes: Int
    /// After this time the oldest request waits no longer.
    package var flushTimeout: Duration

    package init(items: Int = 8192, bytes: Int = .max, flushTimeout: Duration = .milliseconds(200)) {
      self.items = items
      self.bytes = bytes
      self.flushTimeout = flushTimeout
    }
  }

  package init(itemsMax: Int = 8192, bytesMax: Int = 1 << 20, minimum: Minimum? = nil) {
    self.itemsMax = itemsMax
    self.bytesMax = bytesMax
    self.minimum = minimum
  }
}

/// The Collector's `retry_on_failure`.
package struct RetrySettings: Sendable, Equatable {
  package var isEnabled: Bool
  package var initialInterval: Duration
  /// Each interval is drawn from `interval * (1 ± randomizationFactor)`.
  package var randomizationFactor: Double
  package var multiplier: Double
  package var maxInterval: Duration
  /// A batch is dropped when its next attempt would come later than this after its first; zero: never, our default.
  package var maxElapsedTime: Duration

  /// What a peer's Retry-After counts for at most.
  package static let retryAfterMax = Duration.seconds(300)

  package init(
    isEnabled: Bool = true, initialInterval: Duration = .seconds(5), randomizationFactor: Double = 0.5,
    multiplier: Double = 1.5, maxInterval: Duration = .seconds(30), maxElapsedTime: Duration = .zero
  ) {
    self.isEnabled = isEnabled
    self.initialInterval = initialInterval
    self.randomizationFactor = randomizationFactor
    self.multiplier = multiplier
    self.maxInterval = maxInterval
    self.maxElapsedTime = maxElapsedTime
  }
}
