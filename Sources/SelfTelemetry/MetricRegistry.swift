// Every metric otlpd has of itself, rendered as Prometheus text.

internal import Synchronization

/// A label of a metric: its name, and the value that tells one series from the next.
package struct Label: Sendable, Equatable {
  package let name: String
  package let value: String

  package init(_ name: String, _ value: String) {
    self.name = name
    self.value = value
  }
}

/// Hands out counters, gauges and histograms, and renders all of them.
///
/// One per daemon. Registration and rendering take a lock; counting does not. Asking twice for the same name and labels
/// gives the same counter.
package final class MetricRegistry: Sendable {
  /// The Prometheus exposition format's metric types.
  package enum Kind: String, Sendable {
    case counter
    case gauge
    case histogram
  }

  private enum Source: Sendable {
    case counter(Counter)
    case gauge(Gauge)
    case histogram(Histogram)
    case reading(@Sendable () -> Double)
  }

  private struct Series: Sendable {
    let labels: [Label]
    let source: Source
  }

  private struct Family: Sendable {
    let kind: Kind
    let help: String
    var series: [Series] = []

    /// The source of these labels, if there is one.
    func source(_ labels: [Label]) -> Source? { series.first { $0.labels == labels }?.source }
  }

  /// What the zpages show besides.
  package let activity = Activity()

  // Uncontended by design: registration at start, rendering once per scrape.
  private let families = Mutex<[String: Family]>([:])

  package init() {}

  /// The counter of this name and these labels.
  ///
  /// - Parameters:
  ///   - name: as Prometheus spells it, with its unit: `otlpd_journal_bytes`.
  ///   - help: one sentence; the first registration of a name decides.
  package func counter(_ name: String, help: String, labels: [Label] = []) -> Counter {
    let source = source(name, .counter, help, labels) { .counter(Counter()) }
    guard case .counter(let counter) = source else { preconditionFailure("a series has one source") }
    return counter
  }

  /// The gauge of this name and these labels.
  package func gauge(_ name: String, help: String, labels: [Label] = []) -> Gauge {
    let source = source(name, .gauge, help, labels) { .gauge(Gauge()) }
    guard case .gauge(let gauge) = source else { preconditionFailure("a series has one source") }
    return gauge
  }

  /// The histogram of this name and these labels.
  ///
  /// - Parameter bounds: of its buckets, rising, in seconds.
  package func histogram(_ name: String, help: String, labels: [Label] = [], bounds: [Double]) -> Histogram {
    let source = source(name, .histogram, help, labels) { .histogram(Histogram(bounds: bounds)) }
    guard case .histogram(let histogram) = source else { preconditionFailure("a series has one source") }
    return histogram
  }

  /// What is registered under the name and labels already, or what `make` makes.
  private func source(
    _ name: String, _ kind: Kind, _ help: String, _ labels: [Label], make: () -> Source
  ) -> Source {
    families.withLock { families in
      var family = families[name] ?? Family(kind: kind, help: help)
      precondition(family.kind == kind, "a metric has one type")
      if let source = family.source(labels) { return source }
      let source = make()
      family.series.append(Series(labels: labels, source: source))
      families[name] = family
      return source
    }
  }

  /// Registers a value that is read whenever the metrics are rendered; a second registration replaces the first.
  package func reading(
    _ name: String, kind: Kind = .gauge, help: String, labels: [Label] = [], _ read: @escaping @Sendable () -> Double
  ) {
    families.withLock { families in
      var family = families[name] ?? Family(kind: kind, help: help)
      precondition(family.kind == kind, "a metric has one type")
      family.series.removeAll { $0.labels == labels }
      family.series.append(Series(labels: labels, source: .reading(read)))
      families[name] = family
    }
  }

  /// Forgets every series of a name.
  func removeAll(_ name: String) { families.withLock { $0[name] = nil } }

  /// The series of a counter, gauge or reading, with their values at this moment.
  package func values(of name: String) -> [(labels: [Label], value: Double)] {
    let series = families.withLock { $0[name]?.series ?? [] }
    return series.compactMap { series in
      switch series.source {
      case .counter(let counter): (series.labels, Double(counter.value))
      case .gauge(let gauge): (series.labels, Double(gauge.value))
      case .reading(let read): (series.labels, read())
      case .histogram: nil
      }
    }
  }

  /// The text of every metric, by name: Prometheus exposition format 0.0.4.
  package func render(_ naming: MetricNaming = MetricNaming()) -> String {
    var snapshot = families.withLock { $0 }
    let operations = activity.exported.map { operation in
      Series(labels: [Label("operation", operation.name)], source: .histogram(operation.latency))
    }
    if !operations.isEmpty {
      let help = "How long requests took from their last byte to their answer, and attempts to deliver a batch."
      snapshot["otlpd_operation_seconds"] = Family(kind: .histogram, help: help, series: operations)
    }
    var text = ""
    for (known, family) in snapshot.sorted(by: { $0.key < $1.key }) {
      let name = naming.name(known, isCounter: family.kind == .counter)
      text += "# HELP \(name) \(PrometheusText.escapedHelp(family.help))\n# TYPE \(name) \(family.kind.rawValue)\n"
      for series in family.series {
        switch series.source {
        case .counter(let counter): text += line(name, series.labels, PrometheusText.number(counter.value))
        case .gauge(let gauge): text += line(name, series.labels, PrometheusText.number(gauge.value))
        case .reading(let read): text += line(name, series.labels, PrometheusText.number(read()))
        case .histogram(let histogram): text += lines(name, series.labels, histogram)
        }
      }
    }
    return text
  }

  private func line(_ name: String, _ labels: [Label], _ value: String) -> String {
    name + PrometheusText.labelSet(labels) + " " + value + "\n"
  }

  /// Exposition format, "Histograms and summaries": buckets are cumulative, and the last one equals the count.
  private func lines(_ name: String, _ labels: [Label], _ histogram: Histogram) -> String {
    var text = ""
    let counts = histogram.cumulativeCounts
    for (bound, count) in zip(histogram.bounds + [.infinity], counts) {
      let bucket = labels + [Label("le", PrometheusText.number(bound))]
      text += line(name + "_bucket", bucket, PrometheusText.number(count))
    }
    text += line(name + "_sum", labels, PrometheusText.number(histogram.sum))
    text += line(name + "_count", labels, PrometheusText.number(counts.last ?? 0))
    return text
  }
}
