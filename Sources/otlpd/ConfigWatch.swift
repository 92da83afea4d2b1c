// `--watch-config`: notices that the files of the configuration have changed, and waits until they are whole.

internal import Config
internal import System

/// Looks at the files once a second. A change counts when two looks in a row see the same, and every file is there: an
/// editor that empties a file first, or puts another in its place, is waited for.
struct ConfigWatch {
  static let interval = Duration.seconds(1)

  private let paths: [String]
  /// What the configuration in use was read from.
  private var used: [FileStamp?]
  private var lastLook: [FileStamp?]

  /// - Parameter sources: those that are no files never change.
  init(_ sources: [ConfigSource]) {
    paths = sources.compactMap { if case .file(let path) = $0 { path } else { nil } }
    used = paths.map { FileStamp(of: $0) }
    lastLook = used
  }

  /// The files that have changed and stay as they are now; nil when there is nothing to do. Each change is told once.
  mutating func look() -> [String]? {
    let now = paths.map { FileStamp(of: $0) }
    defer { lastLook = now }
    guard now != used, now == lastLook, !now.contains(nil) else { return nil }
    defer { used = now }
    return paths.indices.filter { now[$0] != used[$0] }.map { paths[$0] }
  }

  /// The configuration is read again for another reason.
  mutating func noteReload() {
    used = paths.map { FileStamp(of: $0) }
    lastLook = used
  }
}
