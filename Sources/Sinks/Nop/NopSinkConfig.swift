// The file's form of the `nop` sink.

package import Config

/// `exporters: nop:`.
package struct NopSinkConfig: SinkConfig {
  package static let type = "nop"
  package static let durability = SinkDurability.bestEffort

  package var delivery = SinkDeliveryConfig()

  package init() {}

  package mutating func read(from map: MapReader) { delivery.read(from: map) }
}
