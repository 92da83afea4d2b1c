// From the file's form of the `otlp_http` sink to the sink.

internal import OTLP
package import Pipeline

extension OTLPHTTPSinkConfig {
  package func makeSink(id: String, context: SinkContext) -> any Sink {
    let settings = settings(userAgent: context.userAgent)
    return OTLPSink(
      OTLPHTTPTransport(urls: urls, encoding: encoding == .json ? .json : .protobuf, settings: settings),
      settings: settings, authenticator: context.authenticator(auth), id: id, clock: context.clock,
      logger: context.logger)
  }
}
