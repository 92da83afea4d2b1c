// What holds for everything that happens in one turn of an event loop.

package import System

/// One turn of a loop: what woke it is worked off at one point in time.
package struct Turn: Sendable {
  /// The time at the beginning of the turn.
  package let now: Instant
  /// Whether the reactor is stopping: answer what is in flight, and close.
  package let isDraining: Bool
}
