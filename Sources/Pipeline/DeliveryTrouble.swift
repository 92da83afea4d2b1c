// What a health page says of a sink that does not deliver.

package import OTLP

/// A signal of a sink whose last attempt failed.
package struct DeliveryTrouble: Sendable, Equatable, CustomStringConvertible {
  package let sink: String
  package let signal: Signal
  /// The other side takes nothing of the signal until somebody changes something there or here.
  package let isPaused: Bool
  /// What the other side said, for people.
  package let reason: String

  package init(sink: String, signal: Signal, isPaused: Bool, reason: String) {
    self.sink = sink
    self.signal = signal
    self.isPaused = isPaused
    self.reason = reason
  }

  package var description: String { "\(sink) \(signal.name): \(isPaused ? "paused" : "failing"): \(reason)" }
}
