// A request's line and header fields, kept as the bytes that arrived.

internal import Bytes

/// The methods otlpd distinguishes; case matters (RFC 9110 section 9.1).
package enum HTTPMethod: Sendable, Equatable {
  case get, head, post, put, patch, delete, options, connect, trace
  /// Any other token.
  case other

  init(_ token: Span<UInt8>) {
    switch token.count {
    case 3: self = token.equals("GET") ? .get : token.equals("PUT") ? .put : .other
    case 4: self = token.equals("POST") ? .post : token.equals("HEAD") ? .head : .other
    case 5: self = token.equals("PATCH") ? .patch : token.equals("TRACE") ? .trace : .other
    case 6: self = token.equals("DELETE") ? .delete : .other
    case 7: self = token.equals("OPTIONS") ? .options : token.equals("CONNECT") ? .connect : .other
    default: self = .other
    }
  }
}

/// A checked request line with its header fields; made by `HeadParser` only.
struct HTTPHead: Sendable {
  /// How the body is delimited (RFC 9112 section 6.3).
  enum Framing: Sendable, Equatable {
    case length(Int)
    case chunked
  }

  /// The request line and the fields with their line ends, without the empty line.
  let bytes: Bytes
  let method: HTTPMethod
  let methodRange: Range<Int>
  let pathRange: Range<Int>
  let queryRange: Range<Int>
  /// Where the fields begin in `bytes`.
  let fieldsStart: Int
  let isHTTP10: Bool
  let framing: Framing
  let coding: ContentCoding?
  /// Whether the client waits for "100 Continue" before it sends the body.
  let expectsContinue: Bool
  /// Whether the client wants to send more requests on this connection.
  let keepsAlive: Bool

  /// The value of the first field of this name, in `fields`: lines of a checked header.
  static func value(of name: String, in fields: Span<UInt8>) -> String? { withValue(of: name, in: fields) { $0.text } }

  /// As `value`, but lends its bytes.
  static func withValue<Result>(
    of name: String, in fields: Span<UInt8>, _ body: (Span<UInt8>) -> Result?
  ) -> Result? {
    let length = name.utf8.count
    var start = 0
    while start < fields.count {
      let end = fields.firstIndex(of: UInt8(ascii: "\n"), from: start) ?? fields.count
      if end - start > length, fields[start + length] == UInt8(ascii: ":"),
        fields.extracting(start..<(start + length)).equalsIgnoringCase(name)
      {
        return body(HeadParser.trimmed(fields.extracting((start + length + 1)..<end)))
      }
      start = end + 1
    }
    return nil
  }
}
