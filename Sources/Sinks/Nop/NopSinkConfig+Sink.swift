// From the file's form of the `nop` sink to the sink.

package import Pipeline

extension NopSinkConfig {
  package func makeSink(id: String, context: SinkContext) -> any Sink { NopSink() }
}
