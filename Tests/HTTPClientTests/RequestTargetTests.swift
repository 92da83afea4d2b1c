// URLs whose server shows a certificate of another name.

import HTTPClient
import Testing

@Suite("RequestTarget")
struct RequestTargetTests {
  @Test(
    "Another name replaces the URL's host, the connection goes to the real one, and Host stays",
    arguments: [
      (
        "https://10.0.0.1:4318/v1/traces?a=b", "otel.example", "https://otel.example:4318/v1/traces?a=b",
        "::10.0.0.1:4318", "10.0.0.1:4318"
      ),
      ("https://gateway", "otel.example", "https://otel.example", "::gateway:443", "gateway"),
      ("HTTPS://user:p@[::1]:1/x", "other", "HTTPS://user:p@other:1/x", "::[::1]:1", "[::1]:1"),
      ("https://[::1]/x", "other", "https://other/x", "::[::1]:443", "[::1]"),
      ("https://gateway:1", "::2", "https://[::2]:1", "::gateway:1", "gateway:1"),
    ])
  func override(url: String, name: String, expected: String, connectTo: String, host: String) throws {
    let target = try #require(RequestTarget(url, serverName: name))
    #expect(target.url == expected && target.connectTo == connectTo && target.hostField == host)
  }

  @Test("Without another name, or without TLS, the URL stays as it is")
  func unchanged() throws {
    for (url, name) in [("https://gateway:4318/x", nil), ("https://gateway/x", ""), ("http://gateway/x", "other")] {
      let target = try #require(RequestTarget(url, serverName: name))
      #expect(target.url == url && target.connectTo == nil && target.hostField == nil)
    }
  }

  @Test("A URL that names no host or another scheme is none", arguments: ["ftp://a", "https://", "http://:80/", "a"])
  func none(url: String) {
    #expect(RequestTarget(url, serverName: "x") == nil)
  }
}
