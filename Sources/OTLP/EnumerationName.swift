// The names of enum values, which OTLP's JSON must not contain and which are tolerated all the same.

/// An enum of OTLP.
enum Enumeration: UInt8 {
  case spanKind, statusCode, temporality, severity

  /// The enum of a field of type `.enumeration`; each of OTLP's has fields of one name only.
  init(of field: Field) {
    switch "\(field.name)" {
    case "kind": self = .spanKind
    case "code": self = .statusCode
    case "aggregationTemporality": self = .temporality
    case "severityNumber": self = .severity
    default: preconditionFailure("every enum of the schema is listed here")
    }
  }

  /// What the names of its values begin with.
  fileprivate var prefix: StaticString {
    switch self {
    case .spanKind: "SPAN_KIND_"
    case .statusCode: "STATUS_CODE_"
    case .temporality: "AGGREGATION_TEMPORALITY_"
    case .severity: "SEVERITY_NUMBER_"
    }
  }
}

/// An enum value's name in a JSON string.
struct EnumerationName {
  private let start: InputPosition
  /// The bytes in front of the closing quote.
  let count: Int

  private static let spanKinds: [StaticString] = [
    "UNSPECIFIED", "INTERNAL", "SERVER", "CLIENT", "PRODUCER", "CONSUMER",
  ]
  private static let statusCodes: [StaticString] = ["UNSET", "OK", "ERROR"]
  private static let temporalities: [StaticString] = ["UNSPECIFIED", "DELTA", "CUMULATIVE"]
  private static let severities: [StaticString] = ["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"]

  /// `start` is behind the opening quote. Nil when it does not look like a name.
  init?(_ start: InputPosition) {
    self.start = start
    var count = 0
    while start[count].isNameByte { count += 1 }
    guard count > 0 && start[count] == UInt8(ascii: "\"") && start.byte > UInt8(ascii: "9") else { return nil }
    self.count = count
  }

  /// The value of the name in the field's enum.
  func value(in enumeration: Enumeration) -> Int32? {
    guard let rest = suffix(after: enumeration.prefix, from: 0) else { return nil }
    return switch enumeration {
    case .spanKind: position(in: EnumerationName.spanKinds, from: rest)
    case .statusCode: position(in: EnumerationName.statusCodes, from: rest)
    case .temporality: position(in: EnumerationName.temporalities, from: rest)
    case .severity: severity(from: rest)
    }
  }

  private func position(in names: [StaticString], from offset: Int) -> Int32? {
    names.firstIndex { suffix(after: $0, from: offset) == count }.map(Int32.init)
  }

  /// Severities come in fours: `TRACE`, `TRACE2`, `TRACE3`, `TRACE4`, `DEBUG`, ...
  private func severity(from offset: Int) -> Int32? {
    if suffix(after: "UNSPECIFIED", from: offset) == count { return 0 }
    for (index, name) in EnumerationName.severities.enumerated() {
      guard let end = suffix(after: name, from: offset) else { continue }
      let first = Int32(index * 4 + 1)
      if end == count { return first }
      let digit = start[end]
      guard end + 1 == count, digit >= UInt8(ascii: "2"), digit <= UInt8(ascii: "4") else { return nil }
      return first + Int32(digit - UInt8(ascii: "1"))
    }
    return nil
  }

  /// The offset behind `part` when it is at `offset`.
  private func suffix(after part: StaticString, from offset: Int) -> Int? {
    part.withUTF8Buffer { bytes in
      guard offset + bytes.count <= count else { return nil }
      for index in 0..<(bytes.count) where unsafe bytes[index] != start[offset + index] { return nil }
      return offset + bytes.count
    }
  }
}

extension UInt8 {
  fileprivate var isNameByte: Bool {
    switch self {
    case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"):
      true
    default: false
    }
  }
}
