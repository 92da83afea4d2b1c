// The file's form of queueing and batching: the Collector's `sending_queue`.

package import Config
package import Pipeline

/// `sending_queue:` of a sink. The journal is the queue, so only `batch` has an effect.
package struct SendingQueueConfig: ConfigBlock, Equatable, Sendable {
  /// Requests in flight at the same time, of a sink that sends over a network; every other sink has one.
  package var consumers = 4
  /// nil: whatever waits when the sink is free is one batch.
  package var batch: QueueBatchConfig?

  private static let consumersMax = 64

  package init() {}

  package mutating func read(from map: MapReader) {
    map.inert("enabled", default: true)
    map.read("num_consumers", into: &consumers)
    map.require(consumers > 0, "num_consumers", "must be positive")
    map.require(
      consumers <= SendingQueueConfig.consumersMax, "num_consumers",
      "must be at most \(SendingQueueConfig.consumersMax): each is a thread")
    var queueSize = 1000
    map.read("queue_size", into: &queueSize)
    map.require(queueSize > 0, "queue_size", "must be positive")
    if queueSize != 1000 { map.noteInert("queue_size") }
    var sizer: QueueSizer?
    map.read("sizer", into: &sizer)
    if let sizer, sizer != .requests { map.noteInert("sizer") }
    map.inert("wait_for_result", default: false)
    map.inert("block_on_overflow", default: false)
    map.inert("storage", default: "")
    readBatch(from: map, queueSizer: sizer, queueSize: queueSize)
  }

  private mutating func readBatch(from map: MapReader, queueSizer: QueueSizer?, queueSize: Int) {
    map.read("batch", into: &batch, isOnWhenEmpty: true)
    // The Collector: the batch counts what the queue counts, unless that is requests or unsaid.
    if batch != nil, batch?.sizer == nil { batch?.sizer = queueSizer == .bytes ? .bytes : .items }
    if let batch, let queueSizer, batch.sizer == queueSizer {
      map.require(batch.minSize <= queueSize, "batch", "min_size must be less than or equal to queue_size")
    }
  }
}

/// What a queue or a batch is counted in.
package enum QueueSizer: String, ConfigChoice {
  case requests, items, bytes
}

/// `batch:` of a `sending_queue`.
package struct QueueBatchConfig: ConfigBlock, Equatable, Sendable {
  package var flushTimeout = Duration.milliseconds(200)
  package var minSize = 8192
  /// Zero: no limit but the sink's own.
  package var maxSize = 0
  /// nil: as the queue's, else items.
  package var sizer: QueueSizer?

  package init() {}

  package mutating func read(from map: MapReader) {
    map.read("flush_timeout", into: &flushTimeout)
    map.require(flushTimeout > .zero, "flush_timeout", "must be positive")
    map.read("min_size", into: &minSize)
    map.require(minSize >= 0, "min_size", "must not be negative")
    map.read("max_size", into: &maxSize)
    map.require(maxSize >= 0, "max_size", "must not be negative; 0 means no limit")
    map.require(maxSize == 0 || maxSize >= minSize, "max_size", "must be greater than or equal to min_size")
    map.read("sizer", into: &sizer)
    map.require(sizer != .requests, "sizer", "expected one of items, bytes, found \"requests\"")
    map.inert("partition", as: Partition.self)
  }

  /// The same for the code.
  package var settings: BatchSettings {
    var settings = BatchSettings()
    switch sizer {
    case .bytes:
      settings.itemsMax = .max
      settings.bytesMax = max(maxSize > 0 ? maxSize : settings.bytesMax, minSize)
      settings.minimum = minSize > 0 ? .init(items: .max, bytes: minSize, flushTimeout: flushTimeout) : nil
    default:
      settings.itemsMax = max(maxSize > 0 ? maxSize : settings.itemsMax, minSize)
      settings.minimum = minSize > 0 ? .init(items: minSize, flushTimeout: flushTimeout) : nil
    }
    return settings
  }

  private struct Partition: ConfigBlock {
    mutating func read(from map: MapReader) { map.inert("metadata_keys", default: [String]()) }
  }
}
