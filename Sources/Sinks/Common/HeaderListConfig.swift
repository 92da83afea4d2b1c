// The file's form of request headers, whose values are secrets.

package import Config
package import HTTPClient

/// `headers:` of a sink: a mapping, or a list of `{name, value}`.
package struct HeaderListConfig: ConfigValue, Hashable, Sendable {
  package struct Header: Hashable, Sendable {
    package let name: String
    package let value: Secret

    package init(name: String, value: Secret) {
      self.name = name
      self.value = value
    }
  }

  package var headers: [Header] = []

  package init() {}

  /// The same for the code.
  package var fields: [HTTPField] { headers.map { HTTPField($0.name, $0.value.reveal()) } }

  package static func decode(_ reader: NodeReader) -> HeaderListConfig? {
    var list = HeaderListConfig()
    if case .list = reader.node.content {
      for item in reader.items() ?? [] {
        var pair = Pair()
        item.read(into: &pair)
        list.append(pair.name, pair.value, item)
      }
    } else {
      for entry in reader.entries() ?? [] {
        if let value = Secret.decode(entry.value) { list.append(entry.name, value, entry.key) }
      }
    }
    return list
  }

  private mutating func append(_ name: String, _ value: Secret, _ reader: NodeReader) {
    // RFC 9110 5.1: a field name is a token; 5.5: a value has no line breaks.
    guard HTTPField(name, "").isValid else { return reader.fail("\(quoted(name)) is no name of an HTTP header") }
    guard !value.reveal().utf8.contains(where: { $0 == 0x0A || $0 == 0x0D || $0 == 0 }) else {
      return reader.fail("the value of header \(name) has a line break in it")
    }
    headers.append(Header(name: name, value: value))
  }

  private struct Pair: ConfigBlock {
    var name = ""
    var value = Secret("")
    mutating func read(from map: MapReader) {
      map.read("name", into: &name)
      map.read("value", into: &value)
    }
  }
}
