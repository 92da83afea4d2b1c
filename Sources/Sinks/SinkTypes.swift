// The sinks that are built in: one line each.

/// What `exporters:` may name.
package enum SinkTypes {
  package static let all: [any SinkConfig.Type] = [
    DebugSinkConfig.self,
    FileSinkConfig.self,
    NopSinkConfig.self,
    OTLPGRPCSinkConfig.self,
    OTLPHTTPSinkConfig.self,
    SQLiteSinkConfig.self,
  ]

  /// Other names that the Collector has or had for the same.
  package static let aliases = ["otlphttp": "otlp_http", "otlp": "otlp_grpc", "logging": "debug"]
}
