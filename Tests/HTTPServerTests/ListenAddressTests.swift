// The forms of a listening address.

import HTTPServer
import Testing

@Suite("ListenAddress")
struct ListenAddressTests {
  @Test(
    "Hosts, literals and all interfaces are accepted",
    arguments: [
      ("localhost:4318", "localhost", 4318), ("127.0.0.1:0", "127.0.0.1", 0), (":4318", "", 4318),
      ("[::1]:4318", "::1", 4318), ("[::]:1", "::", 1), ("otel-collector:65535", "otel-collector", 65535),
    ])
  func accepted(text: String, host: String, port: UInt16) throws {
    let address = try #require(ListenAddress(parsing: text))
    #expect(address.host == host && address.port == port)
    #expect(address.description == text)
  }

  @Test(
    "Anything else is not",
    arguments: [
      "", "localhost", "localhost:", "localhost:65536", "localhost:-1", "localhost:+1", "::1:4318", "[::1]",
      "[::1:4318",
      "[localhost]:1", "http://localhost:4318", "a b:1", "1:2:3", "[127.0.0.1]:1", "localhost:４",
    ])
  func refused(text: String) {
    #expect(ListenAddress(parsing: text) == nil)
  }
}
