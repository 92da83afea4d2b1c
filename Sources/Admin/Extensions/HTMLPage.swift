// A small page for people: text and tables, everything escaped, nothing loaded from anywhere.

internal import Bytes
internal import HTTPServer

/// HTML in the making. Whatever is added is text, never markup.
struct HTMLPage {
  private static let style = """
    body{font:14px/1.4 system-ui,sans-serif;margin:1.5em}table{border-collapse:collapse;margin:.5em 0 1.5em}\
    th,td{border:1px solid #bbb;padding:.2em .6em;text-align:left}th{background:#eee}
    """

  private let title: String
  private var body = ""

  init(title: String) {
    self.title = title
    body = "<h1>\(HTMLPage.escaped(title))</h1>\n"
  }

  mutating func heading(_ text: String) { body += "<h2>\(HTMLPage.escaped(text))</h2>\n" }
  mutating func paragraph(_ text: String) { body += "<p>\(HTMLPage.escaped(text))</p>\n" }

  /// - Parameter path: one of our own pages.
  mutating func link(_ path: StaticString, _ text: String) {
    body += "<p><a href=\"\(path)\">\(path)</a> \(HTMLPage.escaped(text))</p>\n"
  }

  mutating func table(_ columns: [String], _ rows: [[String]]) {
    func row(_ cells: [String], _ tag: String) -> String {
      "<tr>" + cells.map { "<\(tag)>\(HTMLPage.escaped($0))</\(tag)>" }.joined() + "</tr>\n"
    }
    body += "<table>\n" + row(columns, "th") + rows.map { row($0, "td") }.joined() + "</table>\n"
  }

  var response: HTTPResponse {
    let text = """
      <!DOCTYPE html>
      <html lang="en"><head><meta charset="utf-8"><title>\(HTMLPage.escaped(title))</title>
      <style>\(HTMLPage.style)</style></head>
      <body>
      \(body)</body></html>

      """
    return HTTPResponse(
      status: 200, contentType: "text/html; charset=utf-8", body: Bytes(text),
      headers: [
        // Nothing runs and nothing is fetched, should a text ever get through unescaped.
        HTTPHeader("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"),
        HTTPHeader("X-Content-Type-Options", "nosniff"), HTTPHeader("Cache-Control", "no-store"),
      ])
  }

  /// Text as HTML shows it, also inside quotes; control characters and what turns the writing direction become visible.
  private static func escaped(_ text: String) -> String {
    var result = ""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "&": result += "&amp;"
      case "<": result += "&lt;"
      case ">": result += "&gt;"
      case "\"": result += "&quot;"
      case "'": result += "&#39;"
      default:
        switch scalar.value {
        case 0..<0x20, 0x7F..<0xA0, 0x200E...0x200F, 0x2028...0x202E, 0x2066...0x2069:
          result += "\\u{\(String(scalar.value, radix: 16))}"
        default: result.unicodeScalars.append(scalar)
        }
      }
    }
    return result
  }
}
