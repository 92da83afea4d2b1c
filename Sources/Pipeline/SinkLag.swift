// How far a sink is behind, for a status line.

/// What waits for a sink.
package struct SinkLag: Sendable, Equatable, CustomStringConvertible {
  package let sink: String
  package let items: Int
  /// How long the oldest of it has waited; nil when nothing waits.
  package let age: Duration?

  package init(sink: String, items: Int, age: Duration?) {
    self.sink = sink
    self.items = items
    self.age = age
  }

  /// Batches wait a moment to become full: that is no lag.
  package static let usualAge = Duration.seconds(5)

  package var description: String {
    guard let age, age >= SinkLag.usualAge else { return "\(sink) is up to date" }
    return "\(sink) is \(age.components.seconds) s and \(items) item\(items == 1 ? "" : "s") behind"
  }
}
