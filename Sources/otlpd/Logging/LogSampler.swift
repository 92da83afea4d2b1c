// Keeps whatever happens again and again from filling the log: the last bound, behind those of each place that logs.

package import System

/// Lets the first events of a kind through in each interval, and then one of many. A kind is a level and a message.
///
/// The memory is fixed: two kinds that fall into one place of the table share its count.
package struct LogSampler: Sendable {
  /// The Collector's `sampling:`.
  package struct Settings: Equatable, Sendable {
    package var isOn = true
    package var tick = Duration.seconds(10)
    package var initial = 10
    /// One of so many is let through after the first; 0 lets none through.
    package var thereafter = 100

    package init() {}
  }

  private struct Place: Sendable {
    var end = Instant(nanoseconds: 0)
    var count = 0
    var held = 0
  }

  private static let places = 512

  private let settings: Settings
  private var table = [Place](repeating: Place(), count: LogSampler.places)

  package init(_ settings: Settings) { self.settings = settings }

  /// How many events of this kind were held back since the last one let through; nil if this one is held back too.
  package mutating func admit(kind: String, at now: Instant) -> Int? {
    guard settings.isOn else { return 0 }
    let index = Int(UInt(bitPattern: kind.hashValue) % UInt(LogSampler.places))
    if now >= table[index].end {
      table[index].end = now + settings.tick
      table[index].count = 0
    }
    table[index].count += 1
    let beyond = table[index].count - settings.initial
    guard beyond <= 0 || settings.thereafter > 0 && beyond % settings.thereafter == 0 else {
      table[index].held += 1
      return nil
    }
    defer { table[index].held = 0 }
    return table[index].held
  }
}
