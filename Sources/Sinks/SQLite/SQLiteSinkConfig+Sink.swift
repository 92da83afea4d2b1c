// From the file's form of the `sqlite` sink to the sink.

package import Pipeline

extension SQLiteSinkConfig {
  package func makeSink(id: String, context: SinkContext) -> any Sink {
    SQLiteSink(
      id: id, directory: directory ?? context.dataDirectory, retention: retention, clock: context.clock,
      logger: context.logger, metrics: context.metrics)
  }
}
