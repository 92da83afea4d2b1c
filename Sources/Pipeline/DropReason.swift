// Why accepted items do not reach a sink.

/// The reasons under which otlpd itself drops accepted items; sinks add their own for what a peer refused.
package enum DropReason {
  /// The journal was full, and the sink's `when_full` lets it lose the oldest.
  package static let journalFull = "journal_full"
  /// More waited than the sink's `sending_queue: queue_size`, and its `when_full` lets it lose the oldest.
  package static let queueFull = "queue_full"
  /// The sink is not in the configuration any more.
  package static let sinkRemoved = "sink_removed"
  /// The bytes on disk were damaged: their checksum was wrong, or they are no request any more.
  package static let damaged = "damaged"
  /// The peer took the batch without these items (OTLP "Partial Success").
  package static let rejected = "rejected"
  /// `max_elapsed_time` is over.
  package static let retriesExhausted = "retries_exhausted"
  /// The attempt failed, and `retry_on_failure.enabled` is false.
  package static let retryDisabled = "retry_disabled"
  /// otlpd stopped before the sink took them, and the journal is memory.
  package static let shutdown = "shutdown"
}
