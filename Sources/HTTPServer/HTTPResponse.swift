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
  /// What follows the body; sent over HTTP/2 only, as gRPC wants it.
  package var trailers: [HTTPHeader]

  package init(
    status: Int, contentType: String, body: Bytes, headers: [HTTPHeader] = [], trailers: [HTTPHeader] = []
  ) {
    self.status = status
    self.contentType = contentType
    self.body = body
    self.headers = headers
    self.trailers = trailers
  }

  /// Writes the status line and the header fields.
  ///
  /// - Parameters:
  ///   - keepsAlive: false announces that the connection closes.
  ///   - isHTTP10: whether keeping it open must be announced too.
  func appendHead(to output: inout ByteBuffer, keepsAlive: Bool, isHTTP10: Bool) {
    // The usual answer takes few steps: they are what an answer costs besides the kernel's part.
    if status == 200 && !contentType.isEmpty {
      output.append("HTTP/1.1 200 OK\r\nContent-Type: ")
      output.append(contentType)
    } else {
      appendStatusLine(to: &output)
      if !contentType.isEmpty {
        output.append("\r\nContent-Type: ")
        output.append(contentType)
      }
    }
    // RFC 9110 section 8.6: no Content-Length with 204, nor with 304, whose body the client has.
    if status != 204 && status != 304 {
      output.append("\r\nContent-Length: ")
      output.append(decimal: body.count)
    }
    for header in headers {
      output.append("\r\n")
      output.append(header.name)
      output.append(": ")
      output.append(header.value)
    }
    if !keepsAlive {
      output.append("\r\nConnection: close\r\n\r\n")
    } else if isHTTP10 {
      output.append("\r\nConnection: keep-alive\r\n\r\n")
    } else {
      output.append("\r\n\r\n")
    }
  }

  /// Writes the status line without its end.
  private func appendStatusLine(to output: inout ByteBuffer) {
    output.append("HTTP/1.1 ")
    output.append(decimal: status)
    output.append(" ")
    output.append(HTTPResponse.phrase(status))
  }

  /// The reason phrase of RFC 9110 and RFC 6585.
  private static func phrase(_ status: Int) -> String {
    switch status {
    case 200: "OK"
    case 204: "No Content"
    case 301: "Moved Permanently"
    case 302: "Found"
    case 304: "Not Modified"
    case 400: "Bad Request"
    case 401: "Unauthorized"
    case 403: "Forbidden"
    case 404: "Not Found"
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
    case 503: "Service Unavailable"
    case 505: "HTTP Version Not Supported"
    default: "Status"
    }
  }
}
