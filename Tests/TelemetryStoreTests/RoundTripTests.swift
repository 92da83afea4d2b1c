// Nothing is lost: every field has a place, and what is read back is what was sent, byte for byte.

import Bytes
import OTLP
import SQLite
import TelemetryStore
import Testing

@Suite struct RoundTripTests {
  let fixture = Fixture()

  /// An item with where it came from, as wire bytes.
  struct Item: Equatable {
    var resource: [UInt8]
    var resourceSchema: String
    var scope: [UInt8]
    var scopeSchema: String
    var item: [UInt8]
  }

  @Test("Every field of every message has a place in the store", arguments: MessageKind.allCases)
  func coversEveryField(kind: MessageKind) throws {
    _ = try fixture.openStore()
    for field in kind.fields {
      let place = try #require(Place.of(field, in: kind), "\(kind).\(field.name) has no place")
      switch place {
      case .column(let table, let column), .columns(let table, let column):
        let columns = try fixture.rows("SELECT name FROM pragma_table_xinfo('\(table)')").map { $0[0].text }
        #expect(columns.contains(column), "\(kind).\(field.name) is said to be in \(table).\(column)")
      default: continue
      }
    }
  }

  @Test("Spans are read back as they were sent", arguments: 0..<20)
  func roundTripsSpans(seed: UInt64) throws {
    var sent: [Item] = []
    try store(.traces, seed) { request in
      request.forEachSpan { resource, scope, span in
        sent.append(Item(resource, scope, Bytes(copying: span.bytes)))
      }
    }
    let database = try fixture.database()
    let stored = try StoredMessage.all("spans", in: database).map { try Item($0, $0.wire(.span)) }
    #expect(stored.count == sent.count)
    for (stored, sent) in zip(stored, sent) { #expect(stored == sent) }
  }

  @Test("Log records are read back as they were sent", arguments: 0..<20)
  func roundTripsLogs(seed: UInt64) throws {
    var sent: [Item] = []
    try store(.logs, seed) { request in
      request.forEachLogRecord { resource, scope, record in
        sent.append(Item(resource, scope, Bytes(copying: record.bytes)))
      }
    }
    let database = try fixture.database()
    let stored = try StoredMessage.all("logs", in: database).map { try Item($0, $0.wire(.logRecord)) }
    #expect(stored.count == sent.count)
    for (stored, sent) in zip(stored, sent) { #expect(stored == sent) }
  }

  @Test("Data points of all five kinds are read back as they were sent", arguments: 0..<30)
  func roundTripsPoints(seed: UInt64) throws {
    var sent: [Item] = []
    var metrics: [Item] = []
    try store(.metrics, seed) { request in
      request.forEachMetric { resource, scope, metric in
        metrics.append(Item(resource, scope, Bytes(copying: metric.bytes)))
        metric.forEachDataPoint { point in sent.append(Item(resource, scope, Bytes(copying: point.bytes))) }
      }
    }
    let database = try fixture.database()
    let rows = try StoredMessage.all("points", in: database)
    let stored = try rows.map { try Item($0, $0.wire(pointKind($0))) }
    #expect(stored.count == sent.count)
    for (stored, sent) in zip(stored, sent) { #expect(stored == sent) }
    // The metrics with their points, as the rows with the same metric, resource and scope follow each other.
    var rebuilt: [Item] = []
    var rest = rows[...]
    while let first = rest.first {
      let key = ["metric_id", "resource_id", "scope_id"].map { first["series", $0] }
      let points = rest.prefix { row in ["metric_id", "resource_id", "scope_id"].map { row["series", $0] } == key }
      rebuilt.append(try Item(first, metric(Array(points))))
      rest = rest.dropFirst(points.count)
    }
    #expect(rebuilt == metrics)
  }

  // MARK: Storing

  private func store(_ signal: Signal, _ seed: UInt64, _ collect: (ExportRequest) -> Void) throws {
    var random = RandomMessage(seed: seed, isFull: seed % 2 == 0)
    let store = try fixture.openStore()
    for sequence in 1...2 as ClosedRange<UInt64> {
      let request = try random.request(signal)
      collect(request)
      let outcome = try store.write(signal: signal, requests: [request], journal: 1, lastSequence: sequence)
      #expect(outcome.rows == request.itemCount)
    }
    store.close()
  }

  // MARK: Metrics

  private func kind(_ row: StoredMessage) throws -> MetricView.Kind {
    let name = try #require(row["metrics", "type"].text)
    return try #require(MetricView.Kind.allCases.first { $0.name == name })
  }

  private func pointKind(_ row: StoredMessage) throws -> MessageKind {
    switch try kind(row) {
    case .gauge, .sum: .numberDataPoint
    case .histogram: .histogramDataPoint
    case .exponentialHistogram: .exponentialHistogramDataPoint
    case .summary: .summaryDataPoint
    }
  }

  /// A Metric message of the rows of its points.
  private func metric(_ rows: [StoredMessage]) throws -> [UInt8] {
    let kind = try kind(rows[0])
    var wire = Wire()
    for field in MessageKind.metric.fields.sorted(by: { $0.number < $1.number }) {
      if Int(field.number) == kind.rawValue, let message = field.message {
        var data = Wire()
        for row in rows { data.field(1, content: try row.wire(pointKind(row))) }
        data.bytes += try rows[0].wire(message)
        wire.field(field.number, content: data.bytes)
      } else {
        wire.bytes += try rows[0].wire(.metric, only: field)
      }
    }
    return wire.bytes
  }
}

extension RoundTripTests.Item {
  init(_ resource: ResourceView, _ scope: ScopeView, _ item: Bytes) {
    self.init(
      resource: Bytes(copying: resource.bytes).array, resourceSchema: resource.schemaURL.string,
      scope: Bytes(copying: scope.bytes).array, scopeSchema: scope.schemaURL.string, item: item.array)
  }

  init(_ row: StoredMessage, _ item: [UInt8]) throws {
    self.init(
      resource: try row.wire(.resource), resourceSchema: row["resources", "schema_url"].text ?? "",
      scope: try row.wire(.scope), scopeSchema: row["scopes", "schema_url"].text ?? "", item: item)
  }
}
