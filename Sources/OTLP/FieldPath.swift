// Where in a request something is, as its authors would write it.

/// A path such as `resourceSpans[0].scopeSpans[2].spans[17].traceId`.
struct FieldPath: CustomStringConvertible {
  private var steps: [(name: String, index: Int?)] = []

  var isEmpty: Bool { steps.isEmpty }

  mutating func append(_ name: String, index: Int?) { steps.append((name, index)) }

  mutating func append(_ name: StaticString, index: Int?) { steps.append((name.description, index)) }

  mutating func removeLast() { steps.removeLast() }

  var description: String {
    let texts = steps.map { step in step.index.map { "\(step.name)[\($0)]" } ?? step.name }
    guard texts.count > DecodeLimits.pathStepsMax else { return texts.joined(separator: ".") }
    let kept = DecodeLimits.pathStepsMax / 2
    return (texts.prefix(kept) + ["…"] + texts.suffix(kept)).joined(separator: ".")
  }
}
