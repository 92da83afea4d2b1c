// The file's form of the journal: `extensions: journal:`.

package import Config
package import Journal

/// How accepted telemetry is kept until every sink has it.
package struct JournalConfig: ConfigBlock, Equatable, Sendable {
  package var durability = Durability.disk
  /// Nil: `journal` in the data directory.
  package var directory: String?
  /// Nil: 1 GiB on disk, 64 MiB in memory.
  package var maxBytes: ByteSize?
  /// Nil: the smaller of 512 MiB and 5 % of the file system.
  package var minFreeBytes: ByteSize?

  package init() {}

  package mutating func read(from map: MapReader) {
    map.read("durability", into: &durability)
    map.read("directory", into: &directory)
    map.read("max_bytes", into: &maxBytes)
    let least = durability == .memory ? ByteSize.mebibytes(1) : ByteSize.mebibytes(16)
    if let maxBytes {
      map.require(maxBytes.bytes >= least.bytes, "max_bytes", "must be at least \(least), found \(maxBytes)")
    }
    map.read("min_free_bytes", into: &minFreeBytes)
    if durability == .memory {
      map.note("durability", "what waits in memory is lost when otlpd ends or is killed, though it was acknowledged")
      if directory != nil { map.warn("directory", "has no effect with durability: memory") }
      if minFreeBytes != nil { map.warn("min_free_bytes", "has no effect with durability: memory") }
    }
  }

  /// The same for the code.
  package func settings(dataDirectory: String) -> JournalSettings {
    if durability == .memory { return maxBytes.map { JournalSettings(memoryBytesMax: $0.bytes) } ?? JournalSettings() }
    var path = directory ?? ""
    if path.isEmpty { path = dataDirectory + "/journal" }
    return JournalSettings(
      durability: durability, directory: path, diskBytesMax: maxBytes?.bytes ?? 1 << 30,
      freeBytesMin: minFreeBytes?.bytes)
  }
}

extension Durability: ConfigChoice {}
