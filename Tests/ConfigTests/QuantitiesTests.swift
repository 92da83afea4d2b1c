// Durations, sizes, addresses, ids, suggestions and secrets.

import Config
import Testing

@Suite struct QuantitiesTests {
  @Test(
    "Durations are written as in Go",
    arguments: [
      ("0", .zero), ("0s", .zero), ("300ms", .milliseconds(300)), ("1m30s", .seconds(90)), ("1.5h", .seconds(5400)),
      (".5s", .milliseconds(500)), ("1.s", .seconds(1)), ("10us", .microseconds(10)), ("10µs", .microseconds(10)),
      ("1ns", .nanoseconds(1)), ("-1s", .seconds(-1)), ("+2s", .seconds(2)), ("1h2m3.004s", .milliseconds(3_723_004)),
    ] as [(String, Duration)])
  func durations(text: String, expected: Duration) { #expect(Duration(goSyntax: text) == expected) }

  @Test(
    "What Go refuses is no duration",
    arguments: ["", "-", "1", "s", ".s", "1.2.3s", "1d", "1 s", "1s ", "1e3s", "9999999999999h", "1S", "ms1"])
  func noDurations(text: String) { #expect(Duration(goSyntax: text) == nil) }

  @Test(
    "Addresses are host:port",
    arguments: [
      ("localhost:4318", "localhost", 4318), (":4318", "", 4318), ("[::1]:0", "::1", 0), ("0.0.0.0:1", "0.0.0.0", 1),
    ])
  func addresses(text: String, host: String, port: Int) {
    #expect(HostPort(text) == HostPort(host: host, port: port))
    #expect(HostPort(text)?.description == text)
  }

  @Test(
    "What has no port, a port too large or a scheme is no address",
    arguments: ["localhost", "localhost:", "a:65536", "a:-1", "::1:4318", "http://a:1", "a b:1", "[::1:1", "a/b:1"])
  func noAddresses(text: String) { #expect(HostPort(text) == nil) }

  @Test("A component id is a type with an optional name")
  func componentIDs() throws {
    #expect(try ComponentID(parsing: "otlp") == ComponentID(type: "otlp"))
    #expect(try ComponentID(parsing: "otlp/a/b") == ComponentID(type: "otlp", name: "a/b"))
    #expect(try ComponentID(parsing: "otlp_http/b14").description == "otlp_http/b14")
  }

  @Test(
    "An id that is none says why",
    arguments: [
      ("", #"in "" id: the part before / should not be empty"#),
      ("/a", #"in "/a" id: the part before / should not be empty"#),
      ("otlp/", #"in "otlp/" id: the part after / should not be empty"#),
      ("1otlp", #"in "1otlp" id: a type is letters, digits and _, at most 63, with a letter first"#),
      ("otlp/a b", #"in "otlp/a b" id: a name has no control characters and no spaces"#),
    ])
  func noComponentIDs(text: String, message: String) {
    #expect {
      try ComponentID(parsing: text)
    } throws: {
      ($0 as? ComponentIDError)?.message == message
    }
  }

  @Test("An id has at most 255 bytes, with its type")
  func longIDs() throws {
    let text = "otlp/" + String(repeating: "ü", count: 125)
    #expect(try ComponentID(parsing: text).description.utf8.count == 255)
    #expect {
      try ComponentID(parsing: text + "x")
    } throws: {
      ($0 as? ComponentIDError)?.message.hasSuffix("an id has at most 255 bytes, found 256; shorten the name") == true
    }
  }

  @Test(
    "A suggestion is near: a third of the word, four letters at most",
    arguments: [
      ("endpiont", #"; did you mean "endpoint"?"#), ("Endpoint", #"; did you mean "endpoint"?"#),
      ("end-point", #"; did you mean "endpoint"?"#), ("tsl", #"; did you mean "tls"?"#),
      ("timeotu", #"; did you mean "timeout"?"#),
      ("url", ""), ("x", ""), ("", ""),
    ])
  func suggestions(word: String, expected: String) {
    #expect(suggestion(for: word, among: ["endpoint", "tls", "timeout"]) == expected)
  }

  @Test("A secret is never printed")
  func secrets() {
    let secret = Secret("hunter2")
    var dumped = ""
    dump(["x": secret], to: &dumped)
    #expect("\(secret) \(String(reflecting: secret)) \(["a": secret])".contains("hunter2") == false)
    #expect(!dumped.contains("hunter2"))
    #expect(secret.reveal() == "hunter2")
  }

  @Test("A text of the user is quoted on one line")
  func quotes() {
    #expect(quoted("a\nb\"c") == #""a\nb\"c""#)
    #expect(quoted(String(repeating: "x", count: 100)).count == 83)
  }
}
