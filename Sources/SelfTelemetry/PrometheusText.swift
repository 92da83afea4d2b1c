// The small words of the Prometheus exposition format 0.0.4: labels, escapes and numbers.

enum PrometheusText {
  /// `{a="b",c="d"}`, or nothing when there are no labels.
  static func labelSet(_ labels: [Label]) -> String {
    guard !labels.isEmpty else { return "" }
    let pairs = labels.map { "\($0.name)=\"\(escapedValue($0.value))\"" }
    return "{" + pairs.joined(separator: ",") + "}"
  }

  /// A name of OpenTelemetry's as a label's: letters, digits and underscores, no digit first.
  static func labelName(_ name: String) -> String {
    let characters = name.unicodeScalars.map { scalar -> Character in
      scalar.isASCII && (scalar.properties.isAlphabetic || ("0"..."9").contains(scalar)) ? Character(scalar) : "_"
    }
    return characters.first?.isNumber == true ? "_" + String(characters) : String(characters)
  }

  /// Exposition format: backslash, double quote and line feed are escaped in label values.
  static func escapedValue(_ value: String) -> String {
    var escaped = ""
    for scalar in value.unicodeScalars {
      switch scalar {
      case "\\": escaped += "\\\\"
      case "\"": escaped += "\\\""
      case "\n": escaped += "\\n"
      default: escaped.unicodeScalars.append(scalar)
      }
    }
    return escaped
  }

  /// Exposition format: backslash and line feed are escaped in help texts.
  static func escapedHelp(_ help: String) -> String {
    var escaped = ""
    for scalar in help.unicodeScalars {
      switch scalar {
      case "\\": escaped += "\\\\"
      case "\n": escaped += "\\n"
      default: escaped.unicodeScalars.append(scalar)
      }
    }
    return escaped
  }

  static func number(_ value: Int) -> String { String(value) }

  /// Whole numbers without a fraction, as a person writes them; others as Swift prints them.
  static func number(_ value: Double) -> String {
    if value.isNaN { return "NaN" }
    if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
    if value == value.rounded(), abs(value) < 0x1p53 { return String(Int(value)) }
    return String(value)
  }
}
