// What the store has done since it was opened, for metrics.

package import OTLP

/// Totals since `open`; reading them never waits for a write.
package struct StoreCounts: Sendable, Equatable {
  /// Rows inserted, by signal: spans, data points, log records.
  package var rows: [Signal: Int] = [:]
  /// Spans left out because the file had one of the same trace id, span id and kind: a client's retry.
  package var duplicateSpans = 0
  /// Batches skipped because their position was stored already.
  package var skippedBatches = 0
  /// Files set aside because they were damaged or of another application.
  package var corruptFiles = 0
  /// Files made again after somebody deleted or replaced them while they were open.
  package var lostFiles = 0
  /// Files of past days that `retain` deleted.
  package var deletedFiles: [Retention.Reason: Int] = [:]
}
