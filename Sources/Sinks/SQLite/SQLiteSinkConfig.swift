// The file's form of the `sqlite` sink.

package import Config
package import Pipeline

/// `exporters: sqlite:`.
package struct SQLiteSinkConfig: SinkConfig {
  package static let type = "sqlite"
  package static let durability = SinkDurability.local
  /// Every commit waits for the disk: a few each second, with many requests in each, cost least.
  package static var batch: BatchSettings {
    BatchSettings(minimum: BatchSettings.Minimum(items: 8192, bytes: 1 << 20, flushTimeout: .milliseconds(200)))
  }

  /// Where the day files lie; nil for the data directory.
  package var directory: String?
  package var delivery = SinkDeliveryConfig()

  package init() {}

  package mutating func read(from map: MapReader) {
    map.read("directory", into: &directory)
    if let directory {
      map.require(directory.hasPrefix("/"), "directory", "expected an absolute path, found \(quoted(directory))")
    }
    delivery.read(from: map)
  }
}
