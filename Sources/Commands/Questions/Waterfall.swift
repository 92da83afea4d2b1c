// One trace as a tree of its spans beside their times.

internal import Sinks

/// Shows what `/api/v1/traces/{id}` answers: spans in the order of the tree, each with a bar where it ran.
struct Waterfall {
  private static let barWidth = 40
  /// Deeper spans stand below those of this depth.
  private static let depthMax = 16

  private let answer: JSONValue
  private let spans: [JSONValue]
  private let showsAttributes: Bool
  private let start: Int64
  private let end: Int64

  init(_ answer: JSONValue, showsAttributes: Bool) {
    self.answer = answer
    self.showsAttributes = showsAttributes
    spans = answer["spans"].elements
    start = spans.compactMap { $0["start_unix_nano"].integer }.filter { $0 > 0 }.min() ?? 0
    end = max(start, spans.compactMap { $0["end_unix_nano"].integer }.max() ?? 0)
  }

  func text(_ style: TextStyle) -> String {
    let services = Set(spans.compactMap { $0["service"].string }).count
    let lasted = Quantity.duration(milliseconds: Double(end - start) / 1e6)
    var text = style.bold("trace \(answer["trace_id"].string ?? "")") + "  "
    text += "\(Quantity.time(unixNanoseconds: start)) UTC  \(lasted)  "
    text += "\(Quantity.count(spans.count, "span"))  \(Quantity.count(services, "service"))\n"
    var table = TextTable(["SPAN", "SERVICE", ">START", ">DURATION", "TIMELINE", "ERROR"])
    table.rows = spans.map { row($0) }
    let lines = table.text(style).split(separator: "\n", omittingEmptySubsequences: true)
    for (index, line) in lines.enumerated() {
      text += line + "\n"
      if showsAttributes, index > 0 { text += details(spans[index - 1]) }
    }
    if answer["is_cut"] == .bool(true) { text += "(the trace has more spans than are read)\n" }
    return text
  }

  private func row(_ span: JSONValue) -> [TextTable.Cell] {
    let depth = min(Int(span["depth"].integer ?? 0), Waterfall.depthMax)
    let begin = span["start_unix_nano"].integer ?? 0
    let isError = span["status_code"].integer == 2
    return [
      .init(String(repeating: "  ", count: depth) + (span["name"].string ?? ""), isBad: isError),
      .init(span["service"].string, scalarsMax: 30),
      .init(begin > 0 ? Quantity.duration(milliseconds: Double(begin - start) / 1e6) : "-"),
      .init(Quantity.duration(milliseconds: span["duration_ms"].double)), .init(bar(span), isBad: isError),
      .init(isError ? span["status_message"].string ?? "error" : "", scalarsMax: 200, isBad: true),
    ]
  }

  /// Where the span ran within the trace; at least one mark.
  private func bar(_ span: JSONValue) -> String {
    guard let from = span["start_unix_nano"].integer, let to = span["end_unix_nano"].integer, from >= start, end > start
    else { return "" }
    let scale = Double(Waterfall.barWidth) / Double(end - start)
    let first = min(Int(Double(from - start) * scale), Waterfall.barWidth - 1)
    let last = min(max(Int((Double(to - start) * scale).rounded()), first + 1), Waterfall.barWidth)
    return String(repeating: "·", count: first) + String(repeating: "█", count: last - first)
  }

  private func details(_ span: JSONValue) -> String {
    let indent = String(repeating: "  ", count: min(Int(span["depth"].integer ?? 0), Waterfall.depthMax) + 2)
    guard case .object(let members) = span["attributes"] else { return "" }
    return members.map { member in
      let value = member.value.string?.printable(scalarsMax: 500) ?? member.value.json
      return "\(indent)\(member.name.printable) = \(value)\n"
    }.joined()
  }
}
