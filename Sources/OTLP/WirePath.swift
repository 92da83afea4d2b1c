// The path to a byte of a protobuf request: a slow pass for errors.

extension FieldPath {
  /// The path of the field that `byte` belongs to, as far as the request's structure can be followed.
  init(protobuf bytes: borrowing Span<UInt8>, at byte: Int, signal: Signal) {
    var kind = MessageKind.request(of: signal)
    var position = 0
    var limit = bytes.count
    self.init()
    descent: while true {
      let fields = kind.fields
      // How often each known number occurred so far.
      var counts = [Int](repeating: 0, count: WireTable.numbersPerMessage)
      while position < limit {
        guard let wire = CheckedField(bytes, at: position, limit: limit) else {
          // The field itself is broken: name it when its tag can be read.
          if let (tag, _) = CheckedField.varint(bytes, at: position, limit: limit),
            let field = fields.first(where: { UInt64($0.number) == tag >> 3 })
          {
            append(field.name, index: field.occurrence == .repeated ? counts[Int(field.number)] : nil)
          }
          return
        }
        guard byte < wire.end else {
          if wire.number < counts.count { counts[Int(wire.number)] += 1 }
          position = wire.end
          continue
        }
        guard let field = fields.first(where: { $0.describes(wire) }) else { return }
        append(field.name, index: field.occurrence == .repeated ? counts[Int(field.number)] : nil)
        guard let message = field.message, byte >= wire.valueStart else { return }
        (kind, position, limit) = (message, wire.valueStart, wire.end)
        continue descent
      }
      return
    }
  }
}
