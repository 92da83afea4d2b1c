// The code's form of the `file` sink's keys.

/// Where and how a file sink writes.
package struct FileSinkSettings: Sendable, Equatable {
  package var path: String
  /// JSON, or else protobuf.
  package var isJSON = true
  /// Each record by itself, with zstd.
  package var isCompressed = false
  /// Whether each start forgets what the file has.
  package var truncates = false
  /// Nil: one file that grows for ever.
  package var rotation: FileRotation?
  /// With which rights missing directories are made; nil: they are not.
  package var directoryPermissions: UInt32?

  package init(path: String) { self.path = path }

  var form: RecordForm { isJSON && !isCompressed ? .lines : .frames }
}
