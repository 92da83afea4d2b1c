// From the file's form of the `otlp_http` sink to the sink.

package import Pipeline

extension OTLPHTTPSinkConfig {
  package func makeSink(id: String, context: SinkContext) -> any Sink {
    OTLPHTTPSink(
      settings: settings(userAgent: context.userAgent), id: id, clock: context.clock, logger: context.logger)
  }
}
