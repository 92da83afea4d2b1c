// The file's form of the `file` sink.

package import Config
package import Pipeline

/// `exporters: file:`.
package struct FileSinkConfig: SinkConfig {
  package static let type = "file"
  package static let durability = SinkDurability.local

  package var path = ""
  package var format = Format.json
  package var compression = Compression.none
  /// Unlike the Collector's, a file is not emptied by a start unless its block says so.
  package var appends = true
  package var flushInterval = Duration.seconds(1)
  package var createsDirectory = false
  package var directoryPermissions = "0755"
  package var rotation: RotationConfig?
  package var delivery = SinkDeliveryConfig()

  package init() {}

  package mutating func read(from map: MapReader) {
    map.read("path", into: &path)
    // The Collector's words.
    map.require(!path.isEmpty, "path", "path must be non-empty")
    map.require(!path.hasSuffix("/"), "path", "expected the path of a file, found \(quoted(path))")
    map.read("format", into: &format)
    map.read("compression", into: &compression)
    map.read("append", into: &appends)
    map.read("flush_interval", into: &flushInterval)
    map.require(flushInterval > .zero, "flush_interval", "flush_interval must be larger than zero")
    map.read("create_directory", into: &createsDirectory)
    map.read("directory_permissions", into: &directoryPermissions)
    map.require(
      permissions != nil, "directory_permissions",
      "expected octal digits such as \"0755\", found \(quoted(directoryPermissions))")
    map.read("rotation", into: &rotation, isOnWhenEmpty: true)
    map.inert("encoding", default: "")
    map.inert("group_by", as: GroupBy.self)
    delivery.read(from: map)
  }

  /// What gathers in the journal for `flush_interval` is written and synced together.
  package var batch: BatchSettings {
    // A batch goes into one file, so that several fit into a small one.
    let bytesMax = min(4 << 20, (rotation?.settings.bytesMax ?? .max) / 4)
    return BatchSettings(
      itemsMax: 32_768, bytesMax: bytesMax,
      minimum: BatchSettings.Minimum(items: 32_768, bytes: bytesMax, flushTimeout: flushInterval))
  }

  /// The same for the code.
  package var settings: FileSinkSettings {
    var settings = FileSinkSettings(path: path)
    settings.isJSON = format == .json
    settings.isCompressed = compression == .zstd
    // A file that is rotated goes on where it ended.
    settings.truncates = !appends && rotation == nil
    settings.rotation = rotation?.settings
    settings.directoryPermissions = createsDirectory ? permissions : nil
    return settings
  }

  private var permissions: UInt32? { UInt32(directoryPermissions, radix: 8).flatMap { $0 <= 0o777 ? $0 : nil } }

  /// How a request is written.
  package enum Format: String, ConfigChoice {
    case json, proto
  }

  /// How a record is packed.
  package enum Compression: String, ConfigChoice {
    case none = ""
    case zstd
  }

  private struct GroupBy: ConfigBlock {
    mutating func read(from map: MapReader) {
      map.inert("enabled", default: false)
      map.inert("resource_attribute", default: "fileexporter.path_segment")
      map.inert("max_open_files", default: 100)
    }
  }
}

/// `rotation:` of a file.
package struct RotationConfig: ConfigBlock, Equatable, Sendable {
  package var maxMegabytes = 100
  package var maxDays = 0
  package var maxBackups = 100

  package init() {}

  package mutating func read(from map: MapReader) {
    map.read("max_megabytes", into: &maxMegabytes)
    map.read("max_days", into: &maxDays)
    map.read("max_backups", into: &maxBackups)
    for (key, value) in [("max_megabytes", maxMegabytes), ("max_days", maxDays), ("max_backups", maxBackups)] {
      map.require((0...1_000_000).contains(value), key, "must be between 0 and 1000000")
    }
    map.inert("localtime", default: false)
  }

  /// The same for the code; as in the Collector, a size of 0 means 100.
  package var settings: FileRotation {
    FileRotation(
      bytesMax: (maxMegabytes > 0 ? maxMegabytes : 100) << 20, daysMax: maxDays, backupsMax: maxBackups)
  }
}
