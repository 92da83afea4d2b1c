// The file's form of the `sqlite` sink.

package import Config
package import Pipeline

/// `exporters: sqlite:`.
package struct SQLiteSinkConfig: SinkConfig {
  package static let type = "sqlite"
  package static let durability = SinkDurability.local
  /// Every commit waits for the disk and writes each page of the index of ids that it touches: a few each second, with
  /// many requests in each, cost least.
  package var batch: BatchSettings {
    BatchSettings(
      itemsMax: 32_768, bytesMax: 16 << 20,
      minimum: BatchSettings.Minimum(items: 32_768, bytes: 8 << 20, flushTimeout: .milliseconds(500)))
  }

  /// Where the day files lie; nil for the data directory.
  package var directory: String?
  package var retention = RetentionConfig()
  package var delivery = SinkDeliveryConfig()

  package init() {}

  package mutating func read(from map: MapReader) {
    map.read("directory", into: &directory)
    if let directory {
      map.require(directory.hasPrefix("/"), "directory", "expected an absolute path, found \(quoted(directory))")
    }
    map.read("retention", into: &retention)
    delivery.read(from: map)
  }
}
