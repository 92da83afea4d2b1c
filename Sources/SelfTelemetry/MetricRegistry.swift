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

/// Hands out counters and gauges, and renders all of them.
///
/// One per daemon. Registration and rendering take a lock; counting does not. Asking twice for the same name and labels
/// gives the same counter.
package final class MetricRegistry: Sendable {
  /// The Prometheus exposition format's metric types.
  package enum Kind: String, Sendable {
    case counter
    case gauge
  }

  private enum Source: Sendable {
    case counter(Counter)
    case gauge(Gauge)
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

  // Uncontended by design: registration at start, rendering once per scrape.
  private let families = Mutex<[String: Family]>([:])

  package init() {}

  /// The counter of this name and these labels.
  ///
  /// - Parameters:
  ///   - name: as Prometheus spells it, with its unit: `otlpd_journal_bytes`.
  ///   - help: one sentence; the first registration of a name decides.
  package func counter(_ name: String, help: String, labels: [Label] = []) -> Counter {
    families.withLock { families in
      var family = families[name] ?? Family(kind: .counter, help: help)
      precondition(family.kind == .counter, "a metric has one type")
      switch family.source(labels) {
      case .counter(let counter): return counter
      case .some: preconditionFailure("a series has one source")
      case nil: break
      }
      let counter = Counter()
      family.series.append(Series(labels: labels, source: .counter(counter)))
      families[name] = family
      return counter
    }
  }

  /// The gauge of this name and these labels.
  package func gauge(_ name: String, help: String, labels: [Label] = []) -> Gauge {
    families.withLock { families in
      var family = families[name] ?? Family(kind: .gauge, help: help)
      precondition(family.kind == .gauge, "a metric has one type")
      switch family.source(labels) {
      case .gauge(let gauge): return gauge
      case .some: preconditionFailure("a series has one source")
      case nil: break
      }
      let gauge = Gauge()
      family.series.append(Series(labels: labels, source: .gauge(gauge)))
      families[name] = family
      return gauge
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

  /// The text of every metric, by name: Prometheus exposition format 0.0.4.
  package func render() -> String {
    let snapshot = families.withLock { $0 }
    var text = ""
    for (name, family) in snapshot.sorted(by: { $0.key < $1.key }) {
      text += "# HELP \(name) \(PrometheusText.escapedHelp(family.help))\n# TYPE \(name) \(family.kind.rawValue)\n"
      for series in family.series {
        let value =
          switch series.source {
          case .counter(let counter): PrometheusText.number(counter.value)
          case .gauge(let gauge): PrometheusText.number(gauge.value)
          case .reading(let read): PrometheusText.number(read())
          }
        text += name + PrometheusText.labelSet(series.labels) + " " + value + "\n"
      }
    }
    return text
  }
}
