// One pipeline as the configuration wires it.

package import OTLP

/// Which receivers' telemetry of one signal goes through which processors to which sinks.
package struct PipelineSettings: Sendable {
  package let signal: Signal
  /// Component ids.
  package let receivers: [String]
  /// In the order in which they run.
  package let processors: [any Processor]
  /// Component ids, under which the sinks' cursors were opened.
  package let sinks: [String]

  package init(signal: Signal, receivers: [String], processors: [any Processor] = [], sinks: [String]) {
    self.signal = signal
    self.receivers = receivers
    self.processors = processors
    self.sinks = sinks
  }
}

/// How telemetry came in; the `transport` label of the receiver's metrics.
package enum Transport: String, CaseIterable, Sendable {
  case http
  case grpc
}
