// From the file's form of the `debug` sink to the sink.

package import Pipeline

extension DebugSinkConfig {
  package func makeSink(id: String, context: SinkContext) -> any Sink {
    DebugSink(settings: settings, id: id, logger: context.logger, print: context.print)
  }
}
