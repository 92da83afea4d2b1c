// The schema as the flat rows that the wire walker reads: one row per message and field number.

/// How the walker treats a known field's value.
enum WireCheck: UInt8 {
  /// Nothing to look at: the wire type alone says where the value ends.
  case skip
  /// UTF-8 (I2).
  case text
  /// 16 bytes or none (I3).
  case traceID
  /// 8 bytes or none (I3).
  case spanID
  /// Descend.
  case message
  /// A list of 8-byte values.
  case packedFixed64
  /// A list of varints.
  case packedVarint
}

/// What the walker knows about one field number of one message.
struct WireRow {
  /// The wire type that makes the field the one we know; `WireRow.unknown` when the number is not known.
  var wireType: UInt8 = WireRow.unknown
  /// The other wire type that a list of numbers may have: that of a single element, unpacked.
  var elementWireType: UInt8 = WireRow.unknown
  var check: WireCheck = .skip
  /// The raw value of the nested message's kind.
  var message: UInt8 = 0
  /// What the field adds to the item count: 1 for spans, log records and data points.
  var items: UInt8 = 0
  /// Whether the field is a member of the message's oneof.
  var isMember = false
  /// The bit that remembers that the field occurred.
  var seen: UInt32 = 0
  /// The bits that must not have been seen before this field (I5).
  var conflicts: UInt32 = 0

  /// No wire type: such a field is skipped.
  static let unknown: UInt8 = 0xff

  /// Whether a value of this wire type is the field we know; lists of numbers have two forms.
  @inline(__always)
  func accepts(_ wireType: UInt8) -> Bool { self.wireType == wireType || elementWireType == wireType }

  /// A field that may occur at most once conflicts with itself.
  @inline(__always) var isRepeated: Bool { conflicts == 0 }
}

/// The rows of all messages. Built once and never changed.
// `@unchecked Sendable`: immutable after `init`.
@safe
struct WireTable: @unchecked Sendable {
  private let rows: UnsafeMutablePointer<WireRow>

  /// Known field numbers are below this one.
  static let numbersPerMessage = 32
  static let shared = WireTable()

  private init() {
    let count = MessageKind.allCases.count * WireTable.numbersPerMessage
    // Never freed: the table lives as long as the process.
    unsafe rows = .allocate(capacity: count)
    unsafe rows.initialize(repeating: WireRow(), count: count)
    for kind in MessageKind.allCases {
      let fields = kind.fields
      for field in fields {
        precondition(Int(field.number) < WireTable.numbersPerMessage, "the table has a row for every field number")
        var row = WireRow()
        row.wireType = field.type.wireType
        if field.occurrence == .repeated && field.type.packs {
          (row.wireType, row.elementWireType) = (2, field.type.wireType)
        }
        row.isMember = field.occurrence == .oneof
        row.check = WireTable.check(of: field)
        row.message = field.message?.rawValue ?? 0
        row.items = field.message.map { $0.isItem } == true ? 1 : 0
        row.seen = field.seenBit
        row.conflicts = field.conflictBits(among: fields)
        // Safe: both factors are inside the bounds that `count` was made of.
        unsafe rows[Int(kind.rawValue) * WireTable.numbersPerMessage + Int(field.number)] = row
      }
    }
  }

  private static func check(of field: Field) -> WireCheck {
    switch field.type {
    case .string: .text
    case .traceID: .traceID
    case .spanID: .spanID
    case .message: .message
    case .bytes: .skip
    case .double, .fixed64, .sfixed64: field.occurrence == .repeated ? .packedFixed64 : .skip
    case .bool, .uint32, .sint32, .int64, .uint64, .enumeration: field.occurrence == .repeated ? .packedVarint : .skip
    case .fixed32: .skip  // never in a list
    }
  }

  /// The row of a field number below `numbersPerMessage` of the message whose kind has the raw value `message`.
  @inline(__always)
  subscript(message: UInt8, number: UInt64) -> WireRow {
    // Safe: `message` comes from a `MessageKind` and the caller compared `number` with `numbersPerMessage`.
    unsafe rows[Int(message) &* WireTable.numbersPerMessage &+ Int(truncatingIfNeeded: number)]
  }
}

extension MessageKind {
  /// Whether requests are counted in messages of this kind (I6).
  var isItem: Bool {
    switch self {
    case .span, .logRecord, .numberDataPoint, .histogramDataPoint, .exponentialHistogramDataPoint, .summaryDataPoint:
      true
    default: false
    }
  }
}

extension Field {
  /// The field's own bit in the set of fields seen in a message.
  var seenBit: UInt32 { 1 << UInt32(number) }

  /// The fields that must not have occurred before this one does (I5).
  func conflictBits(among fields: [Field]) -> UInt32 {
    switch occurrence {
    case .repeated: 0
    case .oneof: fields.reduce(0) { $1.occurrence == .oneof ? $0 | $1.seenBit : $0 }
    case .singular, .optional:
      // A resource or scope precedes the repeated messages it describes.
      message == .resource || message == .scope
        ? fields.reduce(seenBit) { $1.occurrence == .repeated ? $0 | $1.seenBit : $0 } : seenBit
    }
  }
}
