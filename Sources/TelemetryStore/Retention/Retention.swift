// How long the store keeps the files of past days.

internal import System

/// Bounds of the day files. Today's file is never deleted, whatever they say.
package struct Retention: Sendable, Equatable {
  /// A file goes when its day ended so long ago; nil keeps it.
  package var maxAge: Duration?
  /// The oldest files go until all files of the store together have at most so many bytes; nil for no bound.
  package var maxBytes: Int?

  package init(maxAge: Duration? = nil, maxBytes: Int? = nil) {
    self.maxAge = maxAge
    self.maxBytes = maxBytes
  }

  /// Which bound a deleted file was beyond.
  package enum Reason: String, Sendable, CaseIterable {
    case age, size
  }

  /// Why the oldest file has to go; nil when it stays.
  ///
  /// - Parameters:
  ///   - now: Unix nanoseconds.
  ///   - bytes: of all files together.
  func reason(toDelete day: Day, at now: UInt64, bytes: Int) -> Reason? {
    if let maxAge, now >= day.end, now - day.end >= maxAge.nanoseconds { return .age }
    if let maxBytes, bytes > maxBytes { return .size }
    return nil
  }
}
