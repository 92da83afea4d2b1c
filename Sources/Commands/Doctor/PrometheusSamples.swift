// The numbers of a /metrics page.

/// Series of the Prometheus text format, as otlpd writes it.
package struct PrometheusSamples: Sendable {
  struct Series: Sendable {
    let name: Substring
    let labels: [String: String]
    let value: Double
  }

  let series: [Series]

  package init(_ text: String) {
    series = text.split(separator: "\n").compactMap { line -> Series? in
      guard !line.hasPrefix("#"), let space = line.lastIndex(of: " "),
        let value = Double(line[line.index(after: space)...])
      else { return nil }
      let identity = line[..<space]
      let name = identity.prefix { $0 != "{" }
      let labels = PrometheusSamples.labels(identity.dropFirst(name.count))
      // A reader may have asked for the names with this suffix.
      return Series(name: name.hasSuffix("_total") ? name.dropLast(6) : name, labels: labels, value: value)
    }
  }

  /// - Parameter text: `{exporter="otlp",signal="traces"}`, or nothing.
  private static func labels(_ text: Substring) -> [String: String] {
    var labels: [String: String] = [:]
    var rest = text.dropFirst()
    while let equals = rest.firstIndex(of: "=") {
      let name = rest[..<equals]
      var value = ""
      var isEscaped = false
      rest = rest[equals...].dropFirst(2)
      while let character = rest.popFirst() {
        if isEscaped {
          value.append(character == "n" ? "\n" : character)
          isEscaped = false
        } else if character == "\\" {
          isEscaped = true
        } else if character == "\"" {
          break
        } else {
          value.append(character)
        }
      }
      labels[String(name)] = value
      rest = rest.drop { $0 == "," || $0 == "}" }
    }
    return labels
  }

  /// The sum of all series of the name.
  func sum(_ name: String) -> Double { series.reduce(0) { $0 + ($1.name == name[...] ? $1.value : 0) } }

  /// The same for all names that begin so.
  func sum(prefix: String) -> Double { series.reduce(0) { $0 + ($1.name.hasPrefix(prefix) ? $1.value : 0) } }

  /// The sums by the values of some labels, without those that are zero; sorted.
  func sums(_ name: String, by labels: [String]) -> [(labels: [String], value: Double)] {
    var sums: [[String]: Double] = [:]
    for one in series where one.name == name[...] {
      sums[labels.map { one.labels[$0] ?? "" }, default: 0] += one.value
    }
    return sums.filter { $0.value > 0 }.sorted { $0.key.joined(separator: " ") < $1.key.joined(separator: " ") }
      .map { ($0.key, $0.value) }
  }
}
