// The schema as the rows that the JSON transcoder reads and, for its predictions, writes.

/// One field of one message: 64 bytes, a cache line.
struct JSONField {
  /// The JSON name and its closing quote in three words, and which of their bytes count.
  var name: (UInt64, UInt64, UInt64) = (0, 0, 0)
  var nameMask: (UInt64, UInt64, UInt64) = (0, 0, 0)
  /// The bits that must not be in the set of fields seen when this one comes (I5).
  var conflicts: UInt32 = 0
  var number: UInt8 = 0
  /// The tag's one or two bytes, ready to store.
  var tag: UInt16 = 0
  var tagWidth: UInt8 = 0
  /// The name's bytes with the closing quote.
  var nameWidth: UInt8 = 0
  var type: FieldType = .string
  var isRepeated = false
  /// The raw value of the nested message's kind.
  var message: UInt8 = 0
  /// The enum that an enum field's value belongs to.
  var enumeration = Enumeration.spanKind
  /// The bytes reserved for the length of a nested message or a packed list: learned where it is more than 1.
  var lengthWidth: UInt8 = 1
  /// The row of the field that followed this one last time: learned.
  var successor: UInt8 = 0

  /// The field's bit in the set of fields seen.
  @inline(__always)
  var seen: UInt32 { 1 &<< UInt32(number) }
}

/// The fields of one message among the rows.
struct JSONMessage {
  var firstField: UInt8 = 0
  var fieldCount: UInt8 = 0
  /// The row of the field that came first last time: learned.
  var head: UInt8 = 0
  var isItem = false
}

/// The rows of all messages, one copy for each transcoder because what was learned is written into them.
@safe
struct JSONFieldTable {
  private let fields: UnsafeMutablePointer<JSONField>
  private let messages: UnsafeMutablePointer<JSONMessage>

  /// As many as a `UInt8` can name, so that every index is inside the table.
  private static let capacity = 256

  init() {
    unsafe fields = .allocate(capacity: JSONFieldTable.capacity)
    unsafe fields.initialize(repeating: JSONField(), count: JSONFieldTable.capacity)
    unsafe messages = .allocate(capacity: JSONFieldTable.capacity)
    unsafe messages.initialize(repeating: JSONMessage(), count: JSONFieldTable.capacity)
    var next = 0
    for kind in MessageKind.allCases {
      let schema = kind.fields
      precondition(next + schema.count <= JSONFieldTable.capacity, "the table has a row for every field")
      let first = UInt8(next)
      self[message: kind.rawValue] = JSONMessage(
        firstField: first, fieldCount: UInt8(schema.count), head: first, isItem: kind.isItem)
      for (index, field) in schema.enumerated() {
        var row = JSONField(field, among: schema)
        row.successor = index + 1 < schema.count ? UInt8(next + 1) : first
        self[UInt8(next)] = row
        next += 1
      }
    }
  }

  /// Frees the rows; nobody may use the table afterwards.
  func deallocate() {
    // Safe: called once, by the owner's `deinit`.
    unsafe fields.deallocate()
    unsafe messages.deallocate()
  }

  subscript(index: UInt8) -> JSONField {
    // Safe: the table has a row for every `UInt8`.
    @inline(__always) get { unsafe fields[Int(index)] }
    @inline(__always) nonmutating set { unsafe fields[Int(index)] = newValue }
  }

  subscript(message kind: UInt8) -> JSONMessage {
    // Safe: the table has a row for every `UInt8`.
    @inline(__always) get { unsafe messages[Int(kind)] }
    @inline(__always) nonmutating set { unsafe messages[Int(kind)] = newValue }
  }

  /// Whether the name between here and its closing quote is that of the field in row `index`.
  @inline(__always)
  func matches(_ position: InputPosition, _ index: UInt8) -> Bool {
    // Safe: the table has a row for every `UInt8`.
    let field = unsafe fields + Int(index)
    let first = unsafe (position.word() ^ field.pointee.name.0) & field.pointee.nameMask.0
    let second = unsafe (position.word(at: 8) ^ field.pointee.name.1) & field.pointee.nameMask.1
    let third = unsafe (position.word(at: 16) ^ field.pointee.name.2) & field.pointee.nameMask.2
    return first | second | third == 0
  }

  /// The row of the message's field whose name is at `position`.
  @inline(never)
  func find(_ position: InputPosition, in message: UInt8) -> UInt8? {
    let row = self[message: message]
    for index in row.firstField..<(row.firstField + row.fieldCount) where matches(position, index) { return index }
    return nil
  }

  /// Remembers how many bytes the length of a field's message took, for fields that started out with more than one.
  ///
  /// Most attributes are short and must not learn from the long ones; of spans and what contains them the last one is
  /// the best guess for the next.
  @inline(__always)
  func learn(lengthWidth: Int, of index: UInt8) {
    // Safe: the table has a row for every `UInt8`.
    if unsafe fields[Int(index)].lengthWidth > 1 {
      unsafe fields[Int(index)].lengthWidth = UInt8(truncatingIfNeeded: max(2, lengthWidth))
    }
  }

  /// Remembers that the field in row `next` followed the one in row `index`.
  @inline(__always)
  func learn(successor next: UInt8, of index: UInt8) {
    // Safe: the table has a row for every `UInt8`.
    unsafe fields[Int(index)].successor = next
  }

  /// Remembers that a message began with the field in row `first`.
  @inline(__always)
  func learn(head first: UInt8, of message: UInt8) {
    // Safe: the table has a row for every `UInt8`.
    unsafe messages[Int(message)].head = first
  }
}

extension JSONField {
  /// The longest name, with its quote, that three words hold.
  static let nameBytesMax = 24

  fileprivate init(_ field: Field, among schema: [Field]) {
    let text = Array("\(field.name)\"".utf8)
    precondition(text.count <= JSONField.nameBytesMax, "a name and its quote fit three words")
    name = JSONField.words(text.indices.map { ($0, text[$0]) })
    nameMask = JSONField.words(text.indices.map { ($0, 0xff) })
    nameWidth = UInt8(text.count)
    let wireType = field.occurrence == .repeated && field.type.packs ? 2 : field.type.wireType
    let key = UInt16(field.number) << 3 | UInt16(wireType)
    tagWidth = key < 0x80 ? 1 : 2
    tag = key < 0x80 ? key : (key & 0x7f) | 0x80 | ((key >> 7) << 8)
    type = field.type
    isRepeated = field.occurrence == .repeated
    message = field.message?.rawValue ?? 0
    number = field.number
    if field.type == .enumeration { enumeration = Enumeration(of: field) }
    conflicts = field.conflictBits(among: schema)
    lengthWidth = field.message.map(JSONField.expectedLengthWidth) ?? 1
  }

  private static func words(_ bytes: [(index: Int, byte: UInt8)]) -> (UInt64, UInt64, UInt64) {
    var words: [UInt64] = [0, 0, 0]
    for (index, byte) in bytes { words[index / 8] |= UInt64(byte) << UInt64(8 * (index % 8)) }
    return (words[0], words[1], words[2])
  }

  /// The bytes that the length of such a message usually takes.
  private static func expectedLengthWidth(of kind: MessageKind) -> UInt8 {
    switch kind {
    case .resourceSpans, .resourceMetrics, .resourceLogs, .scopeSpans, .scopeMetrics, .scopeLogs: 3
    case .gauge, .sum, .histogram, .exponentialHistogram, .summary, .resource, .metric: 2
    default: kind.isItem ? 2 : 1
    }
  }
}
