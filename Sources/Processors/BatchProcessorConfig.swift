// The file's form of the `batch` processor.

package import Config
package import Pipeline

/// `processors: batch:`. Batches are made behind the journal, so this sets how the sinks of its pipelines batch.
package struct BatchProcessorConfig: ProcessorConfig {
  package static let type = "batch"

  package var timeout = Duration.milliseconds(200)
  package var sendBatchSize = 8192
  /// Zero: no limit but the sink's own.
  package var sendBatchMaxSize = 0

  package init() {}

  package mutating func read(from map: MapReader) {
    map.read("timeout", into: &timeout)
    map.read("send_batch_size", into: &sendBatchSize)
    map.require(sendBatchSize >= 0, "send_batch_size", "must not be negative")
    map.read("send_batch_max_size", into: &sendBatchMaxSize)
    map.require(
      sendBatchMaxSize == 0 || sendBatchMaxSize >= sendBatchSize, "send_batch_max_size",
      "must be greater or equal to send_batch_size")
    map.inert("metadata_keys", default: [String]())
    map.inert("metadata_cardinality_limit", default: 1000)
  }

  /// The same for the code; a timeout of zero sends at once.
  package var settings: BatchSettings {
    var settings = BatchSettings()
    settings.itemsMax = max(sendBatchMaxSize > 0 ? sendBatchMaxSize : settings.itemsMax, sendBatchSize)
    if timeout > .zero, sendBatchSize > 0 {
      settings.minimum = .init(items: sendBatchSize, flushTimeout: timeout)
    }
    return settings
  }
}
