// How a default would be written in the file.

internal import YAML

extension ConfigValue {
  /// Nil for what is not shown unless the file has it.
  package var written: ConfigNode.Content? { nil }
}

extension ConfigNode.Content {
  /// A text; an empty one stands for nothing.
  static func text(_ text: String) -> ConfigNode.Content? {
    text.isEmpty ? nil : .scalar(YAMLScalar(text: text, isPlain: false))
  }

  static func word(_ text: String) -> ConfigNode.Content { .scalar(YAMLScalar(text: text, isPlain: true)) }
}

extension String { package var written: ConfigNode.Content? { .text(self) } }
extension Bool { package var written: ConfigNode.Content? { .word("\(self)") } }
extension Int { package var written: ConfigNode.Content? { .word("\(self)") } }
extension Double { package var written: ConfigNode.Content? { .word("\(self)") } }
extension ConfigChoice { package var written: ConfigNode.Content? { .text(rawValue) } }
extension ByteSize { package var written: ConfigNode.Content? { .word("\(self)") } }
extension HostPort { package var written: ConfigNode.Content? { .text("\(self)") } }

extension Duration {
  /// As Go would read it, in the largest unit that needs no fraction.
  package var written: ConfigNode.Content? {
    let nanoseconds = Int64(self / .nanoseconds(1))
    let units: [(String, Int64)] = [
      ("h", 3_600_000_000_000), ("m", 60_000_000_000), ("s", 1_000_000_000), ("ms", 1_000_000), ("us", 1_000),
    ]
    guard nanoseconds != 0 else { return .word("0s") }
    let (unit, length) = units.first { nanoseconds % $0.1 == 0 } ?? ("ns", 1)
    return .word("\(nanoseconds / length)\(unit)")
  }
}
