// The file's form of the `nop` sink.

package import Config
package import Pipeline

/// `exporters: nop:`.
package struct NopSinkConfig: SinkConfig {
  package static let type = "nop"
  package static let durability = SinkDurability.bestEffort
  /// Nobody waits for what is thrown away, so the sink need not wake for every request.
  package var batch: BatchSettings {
    BatchSettings(minimum: BatchSettings.Minimum(items: 8192, bytes: 1 << 20, flushTimeout: .milliseconds(200)))
  }

  package var delivery = SinkDeliveryConfig()

  package init() {}

  package mutating func read(from map: MapReader) { delivery.read(from: map) }
}
