// From the file's form of the `file` sink to the sink.

package import Pipeline

extension FileSinkConfig {
  package func makeSink(id: String, context: SinkContext) -> any Sink {
    FileSink(settings: settings, id: id, clock: context.clock, logger: context.logger)
  }
}
