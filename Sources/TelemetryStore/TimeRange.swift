// The event times that a table of a file covers, so that readers find files by event time.

/// The lowest and highest event time seen, and how many rows there are. A time of 0 is unknown and counts as none.
struct TimeRange: Equatable {
  private(set) var bounds: ClosedRange<UInt64>?
  var rowCount = 0

  init() {}

  /// - Parameters: as stored in the file's table `time_ranges`.
  init(min: Int64?, max: Int64?, rowCount: Int) {
    if let min, let max {
      let (low, high) = (UInt64(bitPattern: min), UInt64(bitPattern: max))
      if low <= high { bounds = low...high }
    }
    self.rowCount = rowCount
  }

  mutating func include(_ time: UInt64) {
    guard time != 0 else { return }
    guard let old = bounds else {
      bounds = time...time
      return
    }
    if time < old.lowerBound {
      bounds = time...old.upperBound
    } else if time > old.upperBound {
      bounds = old.lowerBound...time
    }
  }

  mutating func include(_ other: TimeRange) {
    if let bounds = other.bounds {
      include(bounds.lowerBound)
      include(bounds.upperBound)
    }
    rowCount += other.rowCount
  }
}
