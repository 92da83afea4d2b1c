// Takes every batch and does nothing with it.

package import OTLP
package import Pipeline

/// For measuring what comes before a sink, and for pipelines that must have one.
package final class NopSink: Sink {
  package init() {}
  package func start() {}
  package func export(_ batch: Batch) -> ExportRequest.Rejection? { nil }
  package func stop() {}
}
