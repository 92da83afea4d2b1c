// The configuration without a file: OTLP/HTTP and OTLP/gRPC on this machine into the SQLite store.

extension CollectorConfig {
  /// The embedded default as the file that it stands for.
  ///
  /// - Parameter showsBatches: adds one line per batch on standard output, for people at a terminal.
  package static func defaultText(showsBatches: Bool) -> String {
    let sinks = showsBatches ? "[sqlite, debug]" : "[sqlite]"
    return """
      receivers:
        otlp:
          protocols:
            grpc:
              endpoint: 127.0.0.1:4317
            http:
              endpoint: 127.0.0.1:4318
      exporters:
        sqlite:
      \(showsBatches ? "  debug:\n    verbosity: basic\n    use_internal_logger: false\n" : "")
      service:
        pipelines:
          traces: {receivers: [otlp], exporters: \(sinks)}
          metrics: {receivers: [otlp], exporters: \(sinks)}
          logs: {receivers: [otlp], exporters: \(sinks)}

      """
  }
}
