// What the roll-ups answer: services, routes, findings; and metrics.

private typealias Cell = TextTable.Cell

extension Question {
  package static func services(_ range: TimeRange) -> Question {
    Question(["v1", "services"], range.parameters, list: "services") { answer, style in
      var table = TextTable(["SERVICE", "VERSION"] + requestTitles + ["LAST SEEN (UTC)"])
      for row in answer["services"].elements {
        let versions = row["versions"].elements.compactMap(\.string).joined(separator: ",")
        let seen = row["last_seen"].integer.map { $0 * 1_000_000_000 }
        var cells = [Cell(row["name"].string ?? "(unnamed)"), Cell(versions, scalarsMax: 20)]
        cells += requestCells(row)
        cells.append(Cell(String(Quantity.time(unixNanoseconds: seen).prefix(16))))
        table.rows.append(cells)
      }
      return table.text(style)
    }
  }

  /// - Parameter category: `route`, `statement`, `host` or `operation`.
  package static func routes(_ range: TimeRange, service: String?, category: String?) -> Question {
    let parameters = range.parameters + given([("service", service), ("category", category)])
    return Question(["v1", "routes"], parameters, list: "routes") { answer, style in
      var table = TextTable(["SERVICE", "ROUTE"] + requestTitles + [">MAX", ">TIME"])
      for row in answer["routes"].elements {
        var cells = [Cell(row["service"].string ?? "(unnamed)"), Cell(row["name"].string)]
        cells += requestCells(row)
        cells.append(Cell(Quantity.duration(milliseconds: row["max_ms"].double)))
        cells.append(Cell(Quantity.percent(row["time_share"].double)))
        table.rows.append(cells)
      }
      return table.text(style)
    }
  }

  private static let requestTitles = [">REQUESTS", ">PER S", ">ERRORS", ">P50", ">P95", ">P99"]

  private static func requestCells(_ row: JSONValue) -> [Cell] {
    let errors = row["error_share"].double
    let times = ["p50_ms", "p95_ms", "p99_ms"].map { Cell(Quantity.duration(milliseconds: row[$0].double)) }
    return [
      Cell(row["requests"].integer.map { "\($0)" }), Cell(Quantity.number(row["requests_per_second"].double)),
      Cell(Quantity.percent(errors), isBad: (errors ?? 0) > 0),
    ] + times
  }

  package static func findings(_ range: TimeRange, service: String?) -> Question {
    let parameters = range.parameters + given([("service", service)])
    return Question(["v1", "findings"], parameters, list: "findings") { answer, style in
      answer["findings"].elements.map { text(finding: $0, style) }.joined(separator: "\n")
    }
  }

  private static func text(finding: JSONValue, _ style: TextStyle) -> String {
    let shown = { (name: String) in Cell(finding[name].string, scalarsMax: 400).text }
    let count = { (name: String) in finding[name].integer ?? 0 }
    let time = { (name: String) in Quantity.duration(milliseconds: finding[name].double) }
    let isRepeated = finding["kind"].string == "n_plus_one"
    let times = isRepeated ? "\(count("worst_executions")) times, " : ""
    let executions = Quantity.count(count("executions"), "execution")
    let traces = Quantity.count(count("traces"), "trace")
    return """
      \(style.yellow(isRepeated ? "N+1 statement" : "slow statement")) in \(shown("service")): \(shown("place"))
        \(shown("statement"))
        \(executions) in \(traces), \(time("total_ms")) together; \
      worst: \(times)\(time("worst_ms")), trace \(shown("worst_trace_id"))

      """
  }

  // MARK: Metrics

  package static func metrics(_ range: TimeRange, service: String?) -> Question {
    let parameters = range.parameters + given([("service", service)])
    return Question(["v1", "metrics"], parameters, list: "metrics") { answer, style in
      var table = TextTable(["METRIC", "TYPE", "UNIT", ">SERIES", "SERVICES", "DESCRIPTION"])
      for row in answer["metrics"].elements {
        let services = row["services"].elements.compactMap(\.string).joined(separator: ",")
        table.rows.append([
          Cell(row["name"].string), Cell(row["type"].string), Cell(row["unit"].string ?? ""),
          Cell(row["series"].integer.map { "\($0)" }), Cell(services, scalarsMax: 40),
          Cell(row["description"].string ?? ""),
        ])
      }
      return table.text(style)
    }
  }

  /// The values of one metric over the range, one line per set of attributes.
  ///
  /// - Parameter by: the attribute that lines are made by, or `none` for one line.
  package static func metric(
    _ name: String, _ range: TimeRange, service: String?, attributes: [String], by: String?
  ) -> Question {
    var parameters = range.parameters + given([("name", name), ("service", service), ("by", by)])
    for attribute in attributes { parameters.append((name: "attr", value: attribute)) }
    return Question(["v1", "metrics", "range"], parameters, list: "lines") { answer, style in
      var table = TextTable(["SERVICE", "ATTRIBUTES", "SHOWN", ">LATEST", ">MIN", ">MAX", "TREND"])
      table.rows = answer["lines"].elements.map { cells(line: $0) }
      return table.text(style)
    }
  }

  private static func cells(line: JSONValue) -> [Cell] {
    let points = line["points"].elements
    // A histogram is shown by its 95th percentile, a counter by its rate.
    let shown = ["p95", "value", "rate"].first { name in points.contains { $0[name].double != nil } } ?? "value"
    let values = points.compactMap { $0[shown].double }
    let unit = (line["unit"].string ?? "") + (shown == "rate" ? "/s" : "")
    return [
      Cell(line["service"].string), Cell(line["attributes"].json), Cell(unit.isEmpty ? shown : "\(shown) \(unit)"),
      Cell(Quantity.number(values.last)), Cell(Quantity.number(values.min())), Cell(Quantity.number(values.max())),
      Cell(trend(values)),
    ]
  }

  /// The newest forty values as bars between the lowest and the highest of them.
  static func trend(_ values: [Double]) -> String {
    let newest = values.suffix(40)
    guard let low = newest.min(), let high = newest.max() else { return "" }
    let bars = Array("▁▂▃▄▅▆▇█")
    return String(newest.map { bars[high > low ? Int((($0 - low) / (high - low) * 7).rounded()) : 3] })
  }

  /// Those parameters that have a value.
  package static func given(_ parameters: [(String, String?)]) -> [Parameter] {
    var given: [Parameter] = []
    for (name, value) in parameters {
      if let value { given.append((name: name, value: value)) }
    }
    return given
  }
}
