// Ends requests from another thread.

internal import Synchronization

/// Shared by a client and whoever may want to end its requests early, for good.
package final class Interruption: Sendable {
  private let flag = Atomic(false)

  package init() {}

  /// Makes running requests fail with `.interrupted` within about a second, and later ones at once. Any thread.
  package func interrupt() { flag.store(true, ordering: .releasing) }

  package var isInterrupted: Bool { flag.load(ordering: .acquiring) }
}
