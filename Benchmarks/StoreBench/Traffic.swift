// Traces as FastAPI services send them: a server span, two statements and a call to another service.

internal import Bytes
internal import Fuzzing
internal import OTLP

/// Makes requests of whole traces, the same ones for the same seed.
struct Traffic {
  /// Spans of one trace.
  static let spansPerTrace = 4

  private static let services = ["shop", "stock", "billing", "mail"]
  private static let routes = [
    "/orders", "/orders/{id}", "/customers/{id}/orders", "/search", "/health", "/cart/{id}/items", "/login",
    "/stock/{sku}",
    "/invoices/{id}", "/reports/daily", "/products", "/products/{id}/reviews",
  ]

  private var chance: SplitMix
  private let isBare: Bool

  /// - Parameter isBare: all spans are steps inside their service, which no roll-up counts.
  init(seed: UInt64, isBare: Bool = false) {
    chance = SplitMix(seed: seed)
    self.isBare = isBare
  }

  /// One request of `traces` traces that end between the two times, in nanoseconds since 1970.
  mutating func request(traces: Int, from start: UInt64, through end: UInt64) -> ExportRequest {
    var text = ""
    let service = Traffic.services[below(Traffic.services.count)]
    for index in 0..<traces {
      let time = start + (end - start) * UInt64(index) / UInt64(max(traces, 1))
      text += (index == 0 ? "" : ",") + trace(at: time)
    }
    let json = """
      {"resourceSpans":[{"resource":{"attributes":[\(attribute("service.name", service)),\
      \(attribute("service.instance.id", "\(service)-1")),\(attribute("telemetry.sdk.language", "python")),\
      \(attribute("telemetry.sdk.version", "1.45.1"))]},\
      "scopeSpans":[{"scope":{"name":"opentelemetry.instrumentation.fastapi","version":"0.66b1"},"spans":[\(text)]}]}]}
      """
    guard let request = try? ExportRequest(decoding: Bytes(Array(json.utf8)), as: .json, signal: .traces) else {
      preconditionFailure("the generator writes OTLP JSON")
    }
    return request
  }

  private mutating func trace(at time: UInt64) -> String {
    let traceID = hex(16)
    let (server, call) = (hex(8), hex(8))
    let route = Traffic.routes[min(below(Traffic.routes.count), below(Traffic.routes.count))]
    let number = below(1_000_000)
    let status = below(50) == 0 ? 500 : below(20) == 0 ? 404 : 200
    let duration = 1_000_000 + UInt64(below(40) * below(40)) * 100_000
    let path = route.split(separator: "{").first.map(String.init) ?? route
    let statements = [
      "SELECT orders.id, orders.total FROM orders WHERE orders.customer_id = %(customer)s LIMIT 20",
      "SELECT customers.id, customers.name, customers.mail FROM customers WHERE customers.id = %(pk_1)s",
    ]
    var spans = [
      span(
        traceID, server, parent: nil, name: "GET \(route)", kind: 2, from: time, duration, error: status == 500,
        [
          attribute("url.scheme", "http"), attribute("server.address", "10.0.3.17"), attribute("server.port", 8000),
          attribute("network.protocol.version", "1.1"), attribute("url.path", "\(path)\(number)"),
          attribute("http.request.method", "GET"),
          attribute("user_agent.original", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"),
          attribute("client.address", "10.0.\(below(256)).\(below(256))"), attribute("client.port", below(60000)),
          attribute("http.route", route), attribute("http.response.status_code", status),
        ])
    ]
    for (index, statement) in statements.enumerated() {
      spans.append(
        span(
          traceID, hex(8), parent: server, name: "SELECT shop", kind: 3,
          from: time + duration / 8 * UInt64(index * 2 + 1), duration / 8, error: false,
          [
            attribute("db.system", "postgresql"), attribute("db.name", "shop"), attribute("db.user", "shop"),
            attribute("db.statement", statement), attribute("net.peer.name", "10.0.3.9"),
            attribute("net.peer.port", 5432), attribute("db.operation", "SELECT"), attribute("thread.id", 140),
            attribute("thread.name", "MainThread"),
          ]))
    }
    spans.append(
      span(
        traceID, call, parent: server, name: "GET", kind: 3, from: time + duration / 2, duration / 4, error: false,
        [
          attribute("http.request.method", "GET"), attribute("url.full", "http://stock:8000/stock/\(number)"),
          attribute("server.address", "stock"), attribute("server.port", 8000),
          attribute("network.peer.address", "10.0.3.18"), attribute("network.protocol.version", "1.1"),
          attribute("http.response.status_code", 200), attribute("thread.id", 140),
          attribute("thread.name", "MainThread"), attribute("peer.service", "stock"),
        ]))
    return spans.joined(separator: ",")
  }

  private func span(
    _ trace: String, _ id: String, parent: String?, name: String, kind: Int, from start: UInt64, _ duration: UInt64,
    error: Bool, _ attributes: [String]
  ) -> String {
    let parent = (parent ?? (isBare ? id : nil)).map { "\"parentSpanId\":\"\($0)\"," } ?? ""
    let status = error ? ",\"status\":{\"code\":2,\"message\":\"internal error\"}" : ""
    return """
      {"traceId":"\(trace)","spanId":"\(id)",\(parent)"flags":257,"name":"\(name)","kind":\(isBare ? 1 : kind),\
      "startTimeUnixNano":"\(start)","endTimeUnixNano":"\(start + duration)",\
      "attributes":[\(attributes.joined(separator: ","))]\(status)}
      """
  }

  private func attribute(_ key: String, _ value: String) -> String {
    "{\"key\":\"\(key)\",\"value\":{\"stringValue\":\"\(value)\"}}"
  }

  private func attribute(_ key: String, _ value: Int) -> String {
    "{\"key\":\"\(key)\",\"value\":{\"intValue\":\"\(value)\"}}"
  }

  private mutating func hex(_ bytes: Int) -> String {
    var text = ""
    for _ in 0..<(bytes / 8) {
      let digits = String(chance.next(), radix: 16)
      text += String(repeating: "0", count: 16 - digits.count) + digits
    }
    return text
  }

  private mutating func below(_ limit: Int) -> Int { Int(chance.next() % UInt64(limit)) }
}
