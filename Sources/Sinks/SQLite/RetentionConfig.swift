// The file's form of how long the `sqlite` sink keeps day files: `exporters: sqlite: retention:`.

package import Config
internal import System
internal import TelemetryStore

/// Whole files are deleted, never today's.
package struct RetentionConfig: ConfigBlock, Equatable, Sendable {
  /// Zero keeps files for ever.
  package var maxAge = Duration.seconds(7 * 86_400)
  /// Of all files together; zero for no bound.
  package var maxBytes = ByteSize(bytes: 10 << 30)

  package init() {}

  package mutating func read(from map: MapReader) {
    map.read("max_age", into: &maxAge)
    map.require(maxAge == .zero || maxAge >= .seconds(3600), "max_age", "must be 0s, for no bound, or at least 1h")
    map.read("max_bytes", into: &maxBytes)
    map.require(
      maxBytes.bytes == 0 || maxBytes.bytes >= 1 << 20, "max_bytes", "must be 0, for no bound, or at least 1MiB")
  }

  /// The same for the code.
  var retention: Retention {
    Retention(
      maxAge: maxAge == .zero ? nil : maxAge, maxBytes: maxBytes.bytes == 0 ? nil : maxBytes.bytes)
  }
}
