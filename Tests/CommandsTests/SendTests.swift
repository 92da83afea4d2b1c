// Made-up telemetry and where it goes.

import Bytes
import Commands
import HTTPClient
import OTLP
import Sinks
import Testing

@Suite("Sending made-up telemetry")
struct SendTests {
  @Test("Requests are OTLP with the items asked for, equal for equal seeds", arguments: Signal.allCases)
  func samples(_ signal: Signal) {
    var one = SampleTelemetry(service: "a \"shop\"", seed: 1, start: 1_760_000_000_000_000_000)
    var same = SampleTelemetry(service: "a \"shop\"", seed: 1, start: 1_760_000_000_000_000_000)
    var other = SampleTelemetry(service: "a \"shop\"", seed: 2, start: 1_760_000_000_000_000_000)
    for items in [1, 2, 250] {
      let request = one.request(signal, items: items, now: 1_760_000_001_000_000_000)
      #expect(request.itemCount == items && request.rejected == nil)
      let again = same.request(signal, items: items, now: 1_760_000_001_000_000_000)
      #expect(again.payload.array == request.payload.array)
      let different = other.request(signal, items: items, now: 1_760_000_001_000_000_000)
      #expect((different.payload.array != request.payload.array) == (signal == .traces))
    }
  }

  private func target(
    _ signal: Signal = .traces, _ environment: [String: String] = [:], _ change: (inout SendOptions) -> Void = { _ in }
  ) throws(CommandFailure) -> SendTarget {
    var options = SendOptions()
    change(&options)
    return try SendTarget(signal, options, environment: environment, userAgent: "tests")
  }

  @Test("Without anything said, an SDK's defaults hold")
  func defaults() throws {
    let target = try target()
    #expect(target.url == "http://localhost:4318/v1/traces")
    #expect(target.settings.timeout == .seconds(10) && target.settings.compression == nil)
    let grpc = try self.target(.logs) { $0.language = .grpc }
    #expect(grpc.url == "http://localhost:4317")
  }

  @Test("The environment is read as the specification says, and options win")
  func environment() throws {
    let environment = [
      "OTEL_EXPORTER_OTLP_ENDPOINT": "https://user:pw@host:1/base/", "OTEL_EXPORTER_OTLP_PROTOCOL": "http/json",
      "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT": "http://logs:2/as/it/is", "OTEL_EXPORTER_OTLP_METRICS_PROTOCOL": "grpc",
      "OTEL_EXPORTER_OTLP_HEADERS": "authorization=Bearer%20a+b, x-tenant = one", "OTEL_EXPORTER_OTLP_TIMEOUT": "1500",
      "OTEL_EXPORTER_OTLP_COMPRESSION": "gzip", "OTEL_EXPORTER_OTLP_CERTIFICATE": "/ca.pem",
    ]
    let traces = try target(.traces, environment)
    #expect(traces.url == "https://***@host:1/base/v1/traces" && traces.language == .json)
    #expect(traces.settings.headers == [HTTPField("authorization", "Bearer a+b"), HTTPField("x-tenant", "one")])
    #expect(traces.settings.timeout == .milliseconds(1500) && traces.settings.compression != nil)
    #expect(traces.settings.client.tls.caFile == "/ca.pem")
    let own = try target(.logs, environment)
    #expect(own.url == "http://logs:2/as/it/is")
    let options = try target(.logs, environment) {
      $0.endpoint = "http://flag:3"
      $0.headers = ["x-extra=1"]
      $0.timeout = .seconds(1)
    }
    #expect(options.url == "http://flag:3/v1/logs" && options.settings.timeout == .seconds(1))
    #expect(options.settings.headers.last == HTTPField("x-extra", "1"))
  }

  @Test(
    "What cannot be used is refused with a sentence",
    arguments: [
      "OTEL_EXPORTER_OTLP_ENDPOINT": "host", "OTEL_EXPORTER_OTLP_PROTOCOL": "thrift",
      "OTEL_EXPORTER_OTLP_TIMEOUT": "10s", "OTEL_EXPORTER_OTLP_HEADERS": "no value",
    ])
  func refused(_ name: String, _ value: String) {
    #expect(throws: CommandFailure.self) { try target(.traces, [name: value]) }
  }
}
