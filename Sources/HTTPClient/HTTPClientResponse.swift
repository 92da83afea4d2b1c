// What came back: a status, fields and a bounded body.

package import Bytes

/// One header field: RFC 9110 section 5.
package struct HTTPField: Sendable, Equatable {
  package let name: String
  package let value: String

  package init(_ name: String, _ value: String) {
    self.name = name
    self.value = value
  }

  /// RFC 9110 5.1 and 5.5: the name is a token, the value holds no control characters but tabs.
  package var isValid: Bool {
    !name.isEmpty && name.utf8.allSatisfy(Self.isTokenByte)
      && value.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F || $0 == 0x09 }
  }

  private static func isTokenByte(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"):
      true
    default: "!#$%&'*+-.^_`|~".utf8.contains(byte)
    }
  }
}

/// A complete response.
package struct HTTPClientResponse: Sendable {
  package let status: Int
  package let fields: [HTTPField]
  package let body: Bytes

  package init(status: Int, fields: [HTTPField], body: Bytes) {
    self.status = status
    self.fields = fields
    self.body = body
  }

  /// The first value of a field; names are the same in any case (RFC 9110 5.1).
  package func first(_ name: String) -> String? {
    let lowercased = name.lowercased()
    return fields.first { $0.name.lowercased() == lowercased }?.value
  }
}
