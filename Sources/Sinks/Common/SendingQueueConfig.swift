// The file's form of queueing and batching: the Collector's `sending_queue`.

package import Config
package import Journal
package import Pipeline

/// `sending_queue:` of a sink. The journal is the queue: its size here is how far this sink may lag behind.
package struct SendingQueueConfig: ConfigBlock, Equatable, Sendable {
  /// nil: as much as the journal holds.
  package var limit: LagLimit?
  /// nil: whatever waits when the sink is free is one batch.
  package var batch: QueueBatchConfig?

  package init() {}

  package mutating func read(from map: MapReader) {
    var isEnabled = true
    map.read("enabled", into: &isEnabled)
    if !isEnabled { map.noteInert("enabled") }
    var consumers = 10
    map.read("num_consumers", into: &consumers)
    map.require(consumers > 0, "num_consumers", "must be positive")
    if consumers != 10 { map.noteInert("num_consumers") }
    var queueSize: Int?
    map.read("queue_size", into: &queueSize)
    var sizer: QueueSizer?
    map.read("sizer", into: &sizer)
    if let queueSize {
      map.require(queueSize > 0, "queue_size", "must be positive")
      if isEnabled, queueSize > 0 {
        limit = LagLimit(queueSize, sizer?.unit ?? .requests)
        map.note("queue_size", "is how much may wait in the journal for this exporter; beyond it, when_full decides")
      }
    }
    map.inert("wait_for_result", default: false)
    map.inert("block_on_overflow", default: false)
    var storage = ""
    map.read("storage", into: &storage)
    if !storage.isEmpty { map.note("storage", "is not needed: the journal keeps what waits, on disk by default") }
    // The Collector compares with its own default.
    readBatch(from: map, queueSizer: sizer, queueSize: queueSize ?? 1000)
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

  fileprivate var unit: LagLimit.Unit {
    switch self {
    case .requests: .requests
    case .items: .items
    case .bytes: .bytes
    }
  }
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
