// The file's form of the journal: `extensions: journal:`.

package import Config
package import Journal

/// How accepted telemetry is kept until every sink has it.
package struct JournalConfig: ConfigBlock, Equatable, Sendable {
  package var durability = Durability.memory
  package var maxBytes = ByteSize.mebibytes(64)

  package init() {}

  package mutating func read(from map: MapReader) {
    map.read("durability", into: &durability)
    map.require(
      durability == .memory, "durability",
      "\(durability.rawValue) is not built into this version of otlpd yet; available: memory")
    map.inert("directory", as: String.self)
    map.read("max_bytes", into: &maxBytes)
    map.require(maxBytes.bytes >= 1 << 20, "max_bytes", "must be at least 1MiB, found \(maxBytes)")
    map.inert("min_free_bytes", as: ByteSize.self)
  }

  /// The same for the code.
  package var settings: JournalSettings { JournalSettings(memoryBytesMax: maxBytes.bytes) }

  package enum Durability: String, ConfigChoice {
    /// Lost when the process ends.
    case memory
    /// After write(): survives the process, not the machine.
    case os
    /// After fdatasync(): survives the machine.
    case disk
  }
}
