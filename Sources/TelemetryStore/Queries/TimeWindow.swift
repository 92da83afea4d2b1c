// The time that a question is about, and how finely its answer is divided.

/// Unix nanoseconds from `from` up to, not including, `to`.
package struct TimeWindow: Sendable, Equatable {
  package let from: Int64
  package let to: Int64

  /// - Returns: nil when the window is empty or begins before 1970.
  package init?(from: Int64, to: Int64) {
    guard from >= 0, from < to else { return nil }
    self.from = from
    self.to = to
  }

  package var seconds: Double { Double(to - from) / 1e9 }
}

/// The rows of roll-ups that cover a window: minutes up to six hours, hours above.
package struct RollupPeriods {
  private static let minute: Int64 = 60_000_000_000
  private static let hour: Int64 = 60 * minute

  let table: String
  let column: String
  /// Nanoseconds of one period.
  let length: Int64
  /// Unix minutes or hours.
  let range: Range<Int64>
  /// From the start of the first period to the end of the window.
  let window: TimeWindow

  package init(_ window: TimeWindow) {
    self.init(window, isFine: window.to - window.from <= 6 * RollupPeriods.hour)
  }

  /// - Parameter isFine: by minutes, else by hours.
  init(_ window: TimeWindow, isFine: Bool) {
    table = isFine ? "operation_minutes" : "operation_hours"
    column = isFine ? "minute" : "hour"
    let length = isFine ? RollupPeriods.minute : RollupPeriods.hour
    self.length = length
    range = (window.from / length)..<((window.to - 1) / length + 1)
    self.window = TimeWindow(from: window.from / length * length, to: window.to) ?? window
  }

  /// Reads the rows of the periods, whose bounds are its parameters.
  package var statement: String {
    """
    SELECT operation_id, \(column), count, errors, client_errors, sum_ns, max_ns, slowest_trace_id, histogram
    FROM \(table) WHERE \(column) >= ?1 AND \(column) < ?2
    """
  }

  /// How many neighbouring periods make one point of a chart, so that there are at most 240.
  var periodsPerPoint: Int64 { ChartStep.smallest(Int64(range.count), pointsMax: ChartStep.pointsMax) }
}

/// The distance of a chart's points.
enum ChartStep {
  static let pointsMax: Int64 = 240
  private static let sizes: [Int64] = [1, 2, 3, 5, 10, 15, 20, 30, 60, 120, 180, 360, 720, 1440]

  /// The smallest friendly number of units that leaves at most `pointsMax` points, also when both ends are cut.
  static func smallest(_ units: Int64, pointsMax: Int64) -> Int64 {
    sizes.first { units / $0 + 2 <= pointsMax } ?? (units / (pointsMax - 2) + 1)
  }

  /// For a window of raw points: nanoseconds, whole seconds.
  static func nanoseconds(_ window: TimeWindow) -> Int64 {
    smallest((window.to - window.from) / 1_000_000_000 + 1, pointsMax: pointsMax) * 1_000_000_000
  }
}
