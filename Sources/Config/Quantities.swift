// Values with a unit: durations as Go writes them, and sizes in bytes.

extension Duration: ConfigValue {
  package static func decode(_ reader: NodeReader) -> Duration? {
    let expected = "a duration such as 300ms, 10s or 1m30s"
    // Go would take a bare number for nanoseconds, which nobody means; zero is zero in every unit.
    switch reader.node.scalarValue {
    case .integer(0): return .zero
    case .integer: reader.fail(expected: expected, hint: " without a unit")
    case .string(let text):
      guard let duration = Duration(goSyntax: text) else {
        reader.fail(expected: expected, hint: text.hasSuffix("d") ? "; days are written as hours: 24h" : "")
        return nil
      }
      guard duration >= .zero else {
        reader.fail("must not be negative, found \(quoted(text))")
        return nil
      }
      return duration
    default: reader.fail(expected: expected)
    }
    return nil
  }

  /// Go's `time.ParseDuration`: `300ms`, `-1.5h`, `2h45m`, `0`; units ns, us, µs, ms, s, m, h.
  package init?(goSyntax text: String) {
    var rest = text[...]
    let isNegative = rest.first == "-"
    if rest.first == "-" || rest.first == "+" { rest.removeFirst() }
    if rest == "0" {
      self = .zero
      return
    }
    guard !rest.isEmpty else { return nil }
    var total = Duration.zero
    while !rest.isEmpty {
      guard let part = Self.part(&rest) else { return nil }
      total += part
      // The longest that Go can hold.
      guard total <= .nanoseconds(Int64.max) else { return nil }
    }
    self = isNegative ? .zero - total : total
  }

  /// One number with its unit, taken from the front.
  private static func part(_ rest: inout Substring) -> Duration? {
    let number = rest.prefix { ("0"..."9").contains($0) || $0 == "." }
    rest = rest.dropFirst(number.count)
    let unit = rest.prefix { !("0"..."9").contains($0) && $0 != "." }
    rest = rest.dropFirst(unit.count)
    let pieces = number.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
    guard !number.isEmpty, number != ".", pieces.count == 1 || !pieces[1].contains("."),
      let nanoseconds = nanoseconds(unit)
    else {
      return nil
    }
    guard let whole = pieces[0].isEmpty ? 0 : Int64(pieces[0]) else { return nil }
    let (product, overflow) = whole.multipliedReportingOverflow(by: nanoseconds)
    guard !overflow else { return nil }
    let fraction = pieces.count == 2 ? Double("0.\(pieces[1].isEmpty ? "0" : pieces[1])") ?? 0 : 0
    return .nanoseconds(product) + .nanoseconds(Int64((fraction * Double(nanoseconds)).rounded()))
  }

  private static func nanoseconds(_ unit: Substring) -> Int64? {
    switch unit {
    case "ns": 1
    case "us", "µs", "μs": 1_000
    case "ms": 1_000_000
    case "s": 1_000_000_000
    case "m": 60_000_000_000
    case "h": 3_600_000_000_000
    default: nil
    }
  }
}

/// A number of bytes: `67108864`, `64MiB` or `64MB`.
package struct ByteSize: ConfigValue, Hashable, Sendable, CustomStringConvertible {
  package let bytes: Int

  package init(bytes: Int) { self.bytes = bytes }
  package static func mebibytes(_ count: Int) -> ByteSize { ByteSize(bytes: count << 20) }

  package var description: String {
    bytes > 0 && bytes % (1 << 20) == 0 ? "\(bytes >> 20)MiB" : "\(bytes)"
  }

  package static func decode(_ reader: NodeReader) -> ByteSize? {
    let size: ByteSize? =
      switch reader.node.scalarValue {
      case .integer(let bytes) where bytes >= 0: Int(exactly: bytes).map(ByteSize.init)
      case .string(let text): ByteSize(text)
      default: nil
      }
    if size == nil { reader.fail(expected: "a size such as 64MiB or a number of bytes") }
    return size
  }

  private init?(_ text: String) {
    let digits = text.prefix { $0.isASCII && $0.isNumber }
    let unit = text.dropFirst(digits.count).drop { $0 == " " }
    let factors = [
      "B": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "TiB": 1 << 40, "kB": 1_000, "KB": 1_000,
      "MB": 1_000_000, "GB": 1_000_000_000, "TB": 1_000_000_000_000,
    ]
    guard let number = Int(digits), let factor = factors[String(unit)] else { return nil }
    let (bytes, overflow) = number.multipliedReportingOverflow(by: factor)
    guard !overflow else { return nil }
    self.bytes = bytes
  }
}
