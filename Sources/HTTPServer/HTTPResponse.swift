// An answer, and how it is written.

package import Bytes

/// A header field of an answer.
package struct HTTPHeader: Sendable, Equatable {
  package let name: String
  package let value: String

  /// Control characters in the value become spaces: nothing can be smuggled into an answer's header.
  package init(_ name: String, _ value: String) {
    self.name = name
    let isClean = value.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F }
    self.value =
      isClean
      ? value : String(decoding: value.utf8.map { $0 >= 0x20 && $0 != 0x7F ? $0 : UInt8(ascii: " ") }, as: UTF8.self)
  }
}

/// An answer with a complete body. The server adds Content-Length and Connection.
package struct HTTPResponse: Sendable {
  package var status: Int
  /// Left out when empty.
  package var contentType: String
  package var body: Bytes
  package var headers: [HTTPHeader]

  package init(status: Int, contentType: String, body: Bytes, headers: [HTTPHeader] = []) {
    self.status = status
    self.contentType = contentType
    self.body = body
    self.headers = headers
  }

  /// Writes the status line and the header fields.
  ///
  /// - Parameters:
  ///   - keepsAlive: false announces that the connection closes.
  ///   - isHTTP10: whether keeping it open must be announced too.
  func appendHead(to output: inout ByteBuffer, keepsAlive: Bool, isHTTP10: Bool) {
    appendStatusLine(to: &output)
    if !contentType.isEmpty {
      output.append("Content-Type: ")
      output.append(contentType)
      output.append("\r\n")
    }
    // RFC 9110 section 8.6: no Content-Length with 204.
    if status != 204 {
      output.append("Content-Length: ")
      output.append(decimal: body.count)
      output.append("\r\n")
    }
    for header in headers {
      output.append(header.name)
      output.append(": ")
      output.append(header.value)
      output.append("\r\n")
    }
    if !keepsAlive {
      output.append("Connection: close\r\n")
    } else if isHTTP10 {
      output.append("Connection: keep-alive\r\n")
    }
    output.append("\r\n")
  }

  private func appendStatusLine(to output: inout ByteBuffer) {
    switch status {
    case 200: output.append("HTTP/1.1 200 OK\r\n")
    case 400: output.append("HTTP/1.1 400 Bad Request\r\n")
    case 404: output.append("HTTP/1.1 404 Not Found\r\n")
    case 503: output.append("HTTP/1.1 503 Service Unavailable\r\n")
    default:
      output.append("HTTP/1.1 ")
      output.append(decimal: status)
      output.append(" ")
      output.append(HTTPResponse.phrase(status))
      output.append("\r\n")
    }
  }

  /// The reason phrase of RFC 9110 and RFC 6585.
  private static func phrase(_ status: Int) -> String {
    switch status {
    case 204: "No Content"
    case 301: "Moved Permanently"
    case 302: "Found"
    case 304: "Not Modified"
    case 401: "Unauthorized"
    case 403: "Forbidden"
    case 405: "Method Not Allowed"
    case 408: "Request Timeout"
    case 413: "Content Too Large"
    case 414: "URI Too Long"
    case 415: "Unsupported Media Type"
    case 417: "Expectation Failed"
    case 421: "Misdirected Request"
    case 429: "Too Many Requests"
    case 431: "Request Header Fields Too Large"
    case 500: "Internal Server Error"
    case 501: "Not Implemented"
    case 505: "HTTP Version Not Supported"
    default: "Status"
    }
  }
}
