// What every sink's part of the config file has in common.

package import Config
package import OTLP
package import Pipeline

/// One sink's part of the config file.
package protocol SinkConfig: ConfigBlock, Equatable, Sendable {
  /// The type in the file: `otlp_http`.
  static var type: String { get }
  /// Who waits for whom when the journal is full and the file does not say.
  static var durability: SinkDurability { get }
  /// How much one call of the sink gets when `sending_queue` and the `batch` processor do not say.
  var batch: BatchSettings { get }
  var delivery: SinkDeliveryConfig { get }
  /// The extension that adds credentials; nil without one.
  var auth: AuthConfig? { get }

  /// What does not fit together in a pipeline, found after every key was read; nil when all is well.
  func problem(with signal: String) -> String?

  /// Where the sink sends a signal; nil for a sink that sends nothing to anybody.
  func peer(for signal: Signal) -> HostPort?

  /// Makes the sink that the file describes; opens nothing yet.
  ///
  /// - Parameter id: the component id: `otlp_http/backup`.
  func makeSink(id: String, context: SinkContext) -> any Sink
}

extension SinkConfig {
  /// Whatever waits when the sink is free.
  package var batch: BatchSettings { BatchSettings() }

  package var auth: AuthConfig? { nil }

  package func problem(with signal: String) -> String? { nil }

  package func peer(for signal: Signal) -> HostPort? { nil }
}

/// What becomes of telemetry once a sink has it.
package enum SinkDurability: Sendable {
  /// It is shown or thrown away: nobody waits for this sink.
  case bestEffort
  /// It is kept on this machine.
  case local
  /// It leaves the machine, and the other side may be away for long.
  case network
}

/// `sending_queue`, `retry_on_failure` and `when_full`, which stand side by side in a sink's block.
package struct SinkDeliveryConfig: Equatable, Sendable {
  package var sendingQueue = SendingQueueConfig()
  package var retry = RetryOnFailureConfig()
  /// nil when the file does not say.
  package var whenFull: WhenFullConfig?

  package init() {}

  package mutating func read(from map: MapReader) {
    map.read("sending_queue", into: &sendingQueue)
    map.read("retry_on_failure", into: &retry)
    map.read("when_full", into: &whenFull)
  }
}

/// `when_full`: whether a sink that lags holds the senders up or loses its oldest items.
package enum WhenFullConfig: String, ConfigChoice {
  case refuse
  case dropOldest = "drop_oldest"
}
