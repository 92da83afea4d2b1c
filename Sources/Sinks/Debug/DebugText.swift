// A batch as text, one line per item: the Collector's verbosity `normal`.

internal import Bytes
package import OTLP

/// Writes a batch's items in the form of the Collector's debug exporter, request by request.
package struct DebugText {
  /// Unicode scalars of one line; the rest of a longer one is cut off.
  private static let lineScalarsMax = 4096

  /// `Traces`, `Metrics`, `Log`: as the Collector's headings have it.
  private let word: String
  private var lines: [String] = []
  private var resourceNumber = -1
  private var scopeNumber = -1
  /// The views' own positions in the current request.
  private var resourceIndex = -1
  private var scopeIndex = -1

  package init(signal: Signal) {
    word =
      switch signal {
      case .traces: "Traces"
      case .metrics: "Metrics"
      case .logs: "Log"
      }
  }

  /// The next request's items in order, and a line above them for every resource and scope. No control characters.
  package mutating func lines(of request: ExportRequest) -> [String] {
    // The views' positions begin anew; the headings' numbers go on, as in the merged request.
    (resourceIndex, scopeIndex) = (-1, -1)
    request.forEachSpan { resource, scope, span in
      place(resource, scope)
      add("\(span.name.string) \(span.traceID.hex) \(span.spanID.hex)\(Self.suffix(span.attributes))")
    }
    request.forEachLogRecord { resource, scope, record in
      place(resource, scope)
      add(Self.text(of: record.body) + Self.suffix(record.attributes))
    }
    request.forEachMetric { resource, scope, metric in
      place(resource, scope)
      let name = metric.name.string
      metric.forEachDataPoint { point in
        add("\(name){\(Self.pairs(point.attributes).joined(separator: ","))} \(DebugPoint.text(of: point))")
      }
    }
    defer { lines = [] }
    return lines
  }

  /// Writes a heading when the resource or the scope changes.
  private mutating func place(_ resource: borrowing ResourceView, _ scope: borrowing ScopeView) {
    if resource.index != resourceIndex {
      resourceIndex = resource.index
      resourceNumber += 1
      scopeNumber = -1
      add("Resource\(word) #\(resourceNumber)\(schema(resource.schemaURL))\(Self.suffix(resource.attributes))")
    }
    if scope.index != scopeIndex {
      scopeIndex = scope.index
      scopeNumber += 1
      let version = scope.version.isEmpty ? "" : "@" + scope.version.string
      let name = scope.name.isEmpty && version.isEmpty ? "" : " " + scope.name.string + version
      add("Scope\(word) #\(scopeNumber)\(name)\(schema(scope.schemaURL))\(Self.suffix(scope.attributes))")
    }
  }

  private mutating func add(_ line: String) { lines.append(line.printable(scalarsMax: Self.lineScalarsMax)) }

  private func schema(_ url: borrowing TextView) -> String { url.isEmpty ? "" : " [\(url.string)]" }

  /// ` k=v k2=v2`, or nothing.
  static func suffix(_ attributes: borrowing AttributesView) -> String {
    pairs(attributes).map { " " + $0 }.joined()
  }

  /// `k=v`, in the client's order.
  static func pairs(_ attributes: borrowing AttributesView) -> [String] {
    var pairs: [String] = []
    attributes.forEach { key, value in pairs.append("\(key.string)=\(text(of: value))") }
    return pairs
  }

  /// A value as people read it: strings bare, arrays, maps and bytes as flat JSON.
  static func text(of value: borrowing AnyValueView) -> String {
    switch value.kind {
    case .empty: return ""
    case .string(let text): return text.string
    case .bool(let value): return value ? "true" : "false"
    case .int(let value): return String(value)
    case .double(let value): return number(value)
    case .array, .keyValueList, .bytes:
      var buffer = ByteBuffer()
      FlatJSON.append(value, to: &buffer)
      return buffer.finish().text
    }
  }

  /// The shortest digits, without a fraction where there is none.
  static func number(_ value: Double) -> String {
    if value.isNaN { return "NaN" }
    if value.isInfinite { return value < 0 ? "-Infinity" : "Infinity" }
    // Below 2^53 every whole number is exact.
    if value == value.rounded(), abs(value) < 9_007_199_254_740_992 { return String(Int64(value)) }
    return value.description
  }
}
