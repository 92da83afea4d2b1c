// Endpoints as people write them.

import OTLP
import Sinks
import Testing

@Suite("SignalURL")
struct SignalURLTests {
  @Test(
    "A base endpoint gets the signal's path behind its own, with exactly one slash between",
    arguments: [
      ("http://localhost:4318", "http://localhost:4318/v1/traces"),
      ("http://localhost:4318/", "http://localhost:4318/v1/traces"),
      ("http://localhost:4318//", "http://localhost:4318/v1/traces"),
      ("https://otlp.example/tenant/otlp", "https://otlp.example/tenant/otlp/v1/traces"),
      ("https://otlp.example/tenant/otlp/", "https://otlp.example/tenant/otlp/v1/traces"),
      ("https://otlp.example", "https://otlp.example/v1/traces"),
      ("http://[::1]:4318", "http://[::1]:4318/v1/traces"),
      ("https://otlp.example/in?key=1/2", "https://otlp.example/in/v1/traces?key=1/2"),
      ("https://otlp.example/in/#part", "https://otlp.example/in/v1/traces"),
      ("https://me:secret@otlp.example", "https://me:secret@otlp.example/v1/traces"),
    ])
  func composed(base: String, expected: String) {
    #expect(SignalURL.composed(base: base, signal: .traces) == expected)
  }

  @Test("Each signal has its own path")
  func signals() {
    let urls = Signal.allCases.map { SignalURL.composed(base: "http://h", signal: $0) }
    #expect(urls == ["http://h/v1/traces", "http://h/v1/metrics", "http://h/v1/logs"])
  }

  @Test(
    "A URL that names a host over HTTP has no problem",
    arguments: [
      "http://localhost", "HTTPS://otlp.example:443/x", "http://[fe80::1]", "http://[::1]:4318/", "http://a@b:1",
      "http://10.0.0.1:65535?x",
    ])
  func usable(url: String) { #expect(SignalURL.problem(with: url) == nil) }

  @Test(
    "A URL that cannot be posted to is told apart by its mistake",
    arguments: [
      ("localhost:4318", "http://"), ("grpc://localhost:4317", "http://"), ("", "http://"), ("http://", "no host"),
      ("http://:4318", "no host"), ("http://h:0", "port"), ("http://h:65536", "port"), ("http://h:", "port"),
      ("http://h:43 18", "space"), ("http://h\u{e4}", "ASCII"), ("http://::1:4318", "brackets"),
      ("http://h/\nEvil: 1", "control"),
    ])
  func problems(url: String, expected: String) throws {
    #expect(try #require(SignalURL.problem(with: url)).contains(expected))
  }

  @Test("Credentials never reach the log")
  func redacted() {
    #expect(SignalURL.redacted("https://me:se@cret@h:1/p@q?x=@") == "https://***@h:1/p@q?***")
    #expect(SignalURL.redacted("https://h/otlp?api-key=secret#x") == "https://h/otlp?***")
    #expect(SignalURL.redacted("http://h/p@q") == "http://h/p@q")
  }
}
