// Makes one line of a metric's chart from the points of all its writers.

/// Adds up writers, step by step.
///
/// An increase between two points is spread evenly over the time between them: a counter that is exported once a
/// minute has a rate in each of the seconds.
struct MetricLineBuilder {
  private struct Step {
    var increase = 0.0
    var measurements = 0.0
    var hasIncrease = false
    var buckets: HistogramBuckets?
    var isMixed = false
    /// The last values of the writers.
    var values: [Double] = []
  }

  private let window: TimeWindow
  /// Where the points begin that were read: a writer that began later began with 0.
  private let readFrom: Int64
  private let step: Int64
  private let shape: MetricShape
  private var steps: [Int64: Step] = [:]

  init(window: TimeWindow, readFrom: Int64, step: Int64, shape: MetricShape) {
    self.window = window
    self.readFrom = readFrom
    self.step = step
    self.shape = shape
  }

  /// Adds the points of one writer, in the order of their times.
  mutating func add(_ samples: [MetricSample], start: Int64) {
    if !shape.counts {
      addValues(samples)
    } else if shape.temporality == 1 {
      for sample in samples { spread(sample, from: sample.start == 0 ? sample.time : sample.start) }
    } else {
      addIncreases(samples, start: start)
    }
  }

  private mutating func addValues(_ samples: [MetricSample]) {
    var last: [Int64: Double] = [:]
    for sample in samples where sample.time >= window.from {
      if let value = sample.value { last[sample.time / step] = value }
    }
    for (index, value) in last { steps[index, default: Step()].values.append(value) }
  }

  private mutating func addIncreases(_ samples: [MetricSample], start: Int64) {
    var previous: MetricSample?
    for sample in samples {
      if let previous {
        spread(sample.since(previous), from: previous.time)
      } else if start >= readFrom {
        spread(sample, from: start)
      }
      previous = sample
    }
  }

  private mutating func spread(_ sample: MetricSample, from start: Int64) {
    let end = sample.time
    let begin = max(min(start, end), window.from)
    guard end >= window.from, end < window.to else { return }
    guard begin < end else { return add(sample, share: 1, to: end / step) }
    let whole = Double(end - min(start, end))
    // The last instant belongs to the step before a boundary.
    for index in (begin / step)...((end - 1) / step) {
      let part = min(end, (index + 1) * step) - max(begin, index * step)
      add(sample, share: Double(part) / whole, to: index)
    }
  }

  private mutating func add(_ sample: MetricSample, share: Double, to index: Int64) {
    var current = steps[index] ?? Step()
    current.hasIncrease = true
    current.increase += share * (sample.value ?? 0)
    current.measurements += share * (sample.count ?? 0)
    if let buckets = sample.buckets {
      if current.buckets == nil {
        var part = buckets
        _ = part.add(buckets, share: share - 1)
        current.buckets = part
      } else if current.buckets?.add(buckets, share: share) == false {
        current.isMixed = true
      }
    }
    steps[index] = current
  }

  /// The points, oldest first.
  func points() -> [MetricPoint] {
    steps.sorted { $0.key < $1.key }.map { index, step in
      let begin = max(index * self.step, window.from)
      let seconds = Double(min((index + 1) * self.step, window.to) - begin) / 1e9
      var point = MetricPoint(time: index * self.step)
      if step.hasIncrease {
        point.rate = (shape.type == "sum" ? step.increase : step.measurements) / seconds
        if shape.type != "sum" {
          point.mean = step.measurements > 0 ? step.increase / step.measurements : nil
          point.buckets = step.isMixed ? nil : step.buckets
        }
      } else {
        let sum = step.values.reduce(0, +)
        point.value = shape.type == "gauge" ? sum / Double(step.values.count) : sum
      }
      return point
    }
  }
}

extension MetricSample {
  fileprivate init(start: Int64, time: Int64, value: Double?, count: Double?, buckets: HistogramBuckets?) {
    self.start = start
    self.time = time
    self.value = value
    self.count = count
    self.buckets = buckets
  }

  /// The increase since an earlier point of the same writer; all of it when the writer began anew.
  fileprivate func since(_ earlier: MetricSample) -> MetricSample {
    if let count, let before = earlier.count {
      guard count >= before else { return self }
      let buckets: HistogramBuckets?
      if let now = self.buckets, let then = earlier.buckets {
        buckets = now.increase(since: then)
      } else {
        buckets = nil
      }
      return MetricSample(
        start: start, time: time, value: (value ?? 0) - (earlier.value ?? 0), count: count - before, buckets: buckets)
    }
    guard let value, let before = earlier.value, value >= before else { return self }
    return MetricSample(start: start, time: time, value: value - before, count: nil, buckets: nil)
  }
}
