// What the `http` block of an otlp receiver means for the server.

import Config
import HTTPServer
import OTLP
import Receivers
import Testing

private func read(_ text: String) -> (config: HTTPServerConfig, diagnostics: ConfigDiagnostics) {
  let diagnostics = ConfigDiagnostics()
  var config = HTTPServerConfig()
  if let document = ConfigDocument(Array(text.utf8), file: "t.yaml", diagnostics: diagnostics) {
    NodeReader(document.root, path: "http", diagnostics: diagnostics).read(into: &config)
  }
  return (config, diagnostics)
}

@Suite struct HTTPServerConfigTests {
  @Test("Zero and missing limits are the server's own")
  func defaultLimits() {
    let limits = read("{max_request_body_size: 0, read_timeout: 0, idle_timeout: 0s}").config.limits(over: Limits())
    #expect(limits.bodyBytesMax == Limits().bodyBytesMax)
    #expect(limits.bodyTime == Limits().bodyTime && limits.idleTime == Limits().idleTime)
    #expect(HTTPServerConfig().address == ListenAddress(parsing: "localhost:4318"))
  }

  @Test("Limits of the file reach the server")
  func limits() {
    let text =
      "{max_request_body_size: 1024, read_header_timeout: 1s, read_timeout: 2s, write_timeout: 3s, idle_timeout: 4s}"
    let limits = read(text).config.limits(over: Limits())
    #expect(limits.bodyBytesMax == 1024)
    #expect(limits.headTime == .seconds(1) && limits.bodyTime == .seconds(2))
    #expect(limits.writeTime == .seconds(3) && limits.idleTime == .seconds(4))
  }

  @Test("A relative path gets its slash")
  func paths() {
    let (config, diagnostics) = read("{traces_url_path: otlp/t, logs_url_path: /l}")
    #expect(diagnostics.errors.isEmpty)
    #expect(config.paths == [.traces: "/otlp/t", .metrics: "/v1/metrics", .logs: "/l"])
  }

  @Test("Keys without effect are noted when they are not their default")
  func inert() {
    let text =
      "{transport: tcp4, include_metadata: true, cors: {}, keep_alives_enabled: true, response_headers: {a: b}}"
    #expect(
      read(text).diagnostics.inertKeys.map(\.path) == [
        "http::transport", "http::include_metadata", "http::cors", "http::response_headers",
      ])
  }
}
