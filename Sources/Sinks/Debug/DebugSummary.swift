// A batch in one line: how much of what.

internal import OTLP
package import Pipeline

/// The counts of a batch under the Collector's names, and a line for a person who watches.
package struct DebugSummary: Sendable, Equatable {
  package struct Count: Sendable, Equatable {
    package let name: String
    package let value: Int
  }

  /// `Traces`, `Metrics`, `Logs`.
  package let title: String
  /// `resource spans` and `spans`, and the like of the other signals.
  package let counts: [Count]
  /// `Traces  resource spans=1 spans=12  checkout: GET /orders/{id}, SELECT orders, …`; without control characters.
  package let line: String

  package init(_ batch: Batch) {
    let resources = batch.requests.reduce(0) { $0 + $1.resourceCount }
    switch batch.signal {
    case .traces:
      title = "Traces"
      counts = [Count(name: "resource spans", value: resources), Count(name: "spans", value: batch.itemCount)]
    case .metrics:
      title = "Metrics"
      var metrics = 0
      for request in batch.requests { request.forEachMetric { _, _, _ in metrics += 1 } }
      counts = [
        Count(name: "resource metrics", value: resources), Count(name: "metrics", value: metrics),
        Count(name: "data points", value: batch.itemCount),
      ]
    case .logs:
      title = "Logs"
      counts = [Count(name: "resource logs", value: resources), Count(name: "log records", value: batch.itemCount)]
    }
    let numbers = counts.map { "\($0.name)=\($0.value)" }.joined(separator: " ")
    let names = NameList(batch).text
    line = "\(title)  \(numbers)" + (names.isEmpty ? "" : "  " + names)
  }
}

/// The first few different names in a batch, each service before its own.
private struct NameList {
  /// Names that are shown, and Unicode scalars of each.
  private static let namesMax = 3
  private static let nameScalarsMax = 60

  private var entries: [(service: String, name: String)] = []
  private var isFull = false

  /// Ends the visit of a batch that has more names than are shown.
  private struct Full: Error {}

  init(_ batch: Batch) {
    do throws(Full) {
      for request in batch.requests {
        try request.forEachSpan { (resource, _, span) throws(Full) in
          try add(resource.serviceName.string, span.name.string)
        }
        try request.forEachMetric { (resource, _, metric) throws(Full) in
          try add(resource.serviceName.string, metric.name.string)
        }
        try request.forEachLogRecord { (resource, _, record) throws(Full) in
          try add(resource.serviceName.string, DebugText.text(of: record.body))
        }
      }
    } catch { isFull = true }
  }

  private mutating func add(_ service: String, _ name: String) throws(Full) {
    let entry = (service.printable(scalarsMax: Self.nameScalarsMax), name.printable(scalarsMax: Self.nameScalarsMax))
    if entries.contains(where: { $0 == entry }) { return }
    guard entries.count < Self.namesMax else { throw Full() }
    entries.append(entry)
  }

  /// `checkout: GET /orders/{id}, SELECT orders; stock: GET /items, …`
  var text: String {
    var text = ""
    var service: String?
    for entry in entries {
      if let service { text += entry.service == service ? ", " : "; " }
      if entry.service != service, !entry.service.isEmpty { text += entry.service + ": " }
      service = entry.service
      text += entry.name
    }
    return isFull ? text + ", …" : text
  }
}
