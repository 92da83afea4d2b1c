// A complete request, as a handler sees it.

package import Bytes

/// A request whose body has arrived whole, without its transfer and content codings.
///
/// Keeps the header as bytes: a path or a field becomes a `String` when it is asked for.
package struct HTTPRequest: Sendable {
  let head: HTTPHead
  package private(set) var body: Bytes
  /// The client's address and port.
  package let peer: String
  /// What the server's gate said of it.
  let admission: Admission

  init(head: HTTPHead, body: Bytes, peer: String, admission: Admission) {
    self.head = head
    self.body = body
    self.peer = peer
    self.admission = admission
  }

  /// The same request with its body unpacked.
  func with(body: Bytes) -> HTTPRequest {
    var request = self
    request.body = body
    return request
  }

  package var method: HTTPMethod { head.method }

  /// The method as sent.
  package var methodName: String { head.bytes.span.extracting(head.methodRange).text }

  /// The path of the target, without query; not percent-decoded. `*` for OPTIONS of the whole server.
  package var path: String {
    // RFC 9112 section 3.2.2: an absolute target may leave its path out.
    head.pathRange.isEmpty ? "/" : head.bytes.span.extracting(head.pathRange).text
  }

  /// Whether `path` is the target's, without making a `String` of that.
  package func isAt(_ path: String) -> Bool {
    head.pathRange.isEmpty ? path == "/" : head.bytes.span.extracting(head.pathRange).equals(path)
  }

  /// What follows the target's first question mark.
  package var query: String { head.bytes.span.extracting(head.queryRange).text }

  /// The first value of the named header field; the name's case is ignored.
  package func header(_ name: String) -> String? {
    HTTPHead.value(of: name, in: head.bytes.span.extracting(head.fieldsStart...))
  }

  /// Lends the bytes of the first value of the named header field; nil when there is no such field.
  package func withHeader<Result>(_ name: String, _ body: (Span<UInt8>) -> Result?) -> Result? {
    HTTPHead.withValue(of: name, in: head.bytes.span.extracting(head.fieldsStart...), body)
  }
}

extension HTTPRequest {
  /// A request made in this process, for tests of handlers; goes through the parser.
  ///
  /// - Throws: what the server would refuse.
  package init(
    method: String, target: String, headers: [HTTPHeader] = [], body: Bytes = Bytes(), peer: String = "127.0.0.1:1"
  ) throws(HTTPRefusal) {
    var text = ByteBuffer()
    text.append("\(method) \(target) HTTP/1.1\r\nHost: localhost\r\n")
    for header in headers { text.append("\(header.name): \(header.value)\r\n") }
    text.append("\r\n")
    var parser = HeadParser()
    guard let head = try parser.parse(text.span, limits: Limits()) else {
      throw HTTPRefusal(.malformed, "the request's header has no end")
    }
    self.init(head: head, body: body, peer: peer, admission: .admitted)
  }
}
