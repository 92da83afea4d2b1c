// A valid protobuf message taken apart into its fields, for the tests that put it together in another way.

internal import OTLP

/// The fields of one message, in order. Only for bytes that a decoder has accepted.
package struct WireMessage {
  package struct Field {
    package let number: Int
    /// 0 varint, 1 eight bytes, 2 length-delimited, 3 group, 5 four bytes.
    package let type: UInt8
    /// The value without tag and length; of a group what is inside.
    package let content: [UInt8]

    package init(number: Int, type: UInt8 = 2, content: [UInt8]) {
      self.number = number
      self.type = type
      self.content = content
    }

    /// The field as an encoder writes it.
    var raw: [UInt8] {
      Wire { wire in
        wire.varint(UInt64(number) << 3 | UInt64(type))
        if type == 2 { wire.varint(UInt64(content.count)) }
        wire = Wire(bytes: wire.bytes + content)
        if type == 3 { wire.varint(UInt64(number) << 3 | 4) }
      }.bytes
    }
  }

  package let fields: [Field]

  package init(_ bytes: [UInt8]) {
    var position = 0
    fields = WireMessage.fields(bytes, &position)
  }

  /// The fields up to the end, or to the end of the group that `position` is in.
  private static func fields(_ bytes: [UInt8], _ position: inout Int) -> [Field] {
    var fields: [Field] = []
    while position < bytes.count {
      let tag = varint(bytes, &position)
      let type = UInt8(tag & 7)
      if type == 4 { break }
      let length: Int
      let start: Int
      switch type {
      case 0:
        start = position
        _ = varint(bytes, &position)
        length = position - start
        position = start
      case 3:
        start = position
        _ = WireMessage.fields(bytes, &position)
        // The end tag of a group is as long as its start tag when both are written alike, which is not certain.
        var end = position - 1
        while end > start, bytes[end - 1] >= 0x80 { end -= 1 }
        fields.append(Field(number: Int(tag >> 3), type: 3, content: Array(bytes[start..<end])))
        continue
      case 2:
        length = Int(varint(bytes, &position))
        start = position
      default:
        length = type == 1 ? 8 : 4
        start = position
      }
      fields.append(Field(number: Int(tag >> 3), type: type, content: Array(bytes[start..<start + length])))
      position = start + length
    }
    return fields
  }

  /// The values of a packed list, each in its wire bytes.
  static func elements(of packed: [UInt8], _ type: FieldType) -> [[UInt8]] {
    var elements: [[UInt8]] = []
    var position = 0
    while position < packed.count {
      let start = position
      if type.wireType == 0 { _ = varint(packed, &position) } else { position += type.wireType == 1 ? 8 : 4 }
      elements.append(Array(packed[start..<position]))
    }
    return elements
  }

  static func varint(_ bytes: [UInt8]) -> UInt64 {
    var position = 0
    return varint(bytes, &position)
  }

  private static func varint(_ bytes: [UInt8], _ position: inout Int) -> UInt64 {
    var (value, shift): (UInt64, UInt64) = (0, 0)
    while true {
      let byte = bytes[position]
      position += 1
      value |= UInt64(byte & 0x7f) << shift
      shift += 7
      if byte < 0x80 { return value }
    }
  }
}
