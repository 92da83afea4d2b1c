// How much the debug sink prints, and where.

/// The code's form of one `debug` sink.
package struct DebugSettings: Sendable, Equatable {
  /// The Collector's three levels of detail.
  package enum Verbosity: Sendable, CaseIterable {
    /// One line per batch.
    case basic
    /// One line per item.
    case normal
    /// Every field of every item. Prints like `normal` until it exists.
    case detailed
  }

  package var verbosity: Verbosity
  /// Print as log lines, and not as plain text on standard output.
  package var usesLogger: Bool

  package init(verbosity: Verbosity = .basic, usesLogger: Bool = true) {
    self.verbosity = verbosity
    self.usesLogger = usesLogger
  }
}
