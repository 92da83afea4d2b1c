// Shows on the console what passes by.

package import Logging
package import OTLP
package import Pipeline

/// Prints each batch, as log lines or as plain text.
///
/// Never fails, and takes part in no guarantee: text that the console does not take is gone.
package final class DebugSink: Sink {
  private let settings: DebugSettings
  private let logger: Logger
  private let print: @Sendable (String) -> Void

  /// - Parameters:
  ///   - id: the component id: `debug`, `debug/loud`.
  ///   - print: takes plain text of whole lines; called on the sink's thread.
  package init(settings: DebugSettings, id: String, logger: Logger, print: @escaping @Sendable (String) -> Void) {
    self.settings = settings
    // The Collector's own fields of this line.
    var logger = logger
    logger[metadataKey: "otelcol.component.id"] = "\(id)"
    logger[metadataKey: "otelcol.component.kind"] = "exporter"
    self.logger = logger
    self.print = print
  }

  package func start() {
    guard settings.verbosity == .detailed else { return }
    logger.warning("verbosity detailed does not exist yet: printing one line per item, as normal does")
  }

  package func stop() {}

  package func export(_ batch: Batch) -> ExportRequest.Rejection? {
    let summary = DebugSummary(batch)
    if settings.usesLogger {
      var fields: Logger.Metadata = ["otelcol.signal": "\(batch.signal.name)"]
      for count in summary.counts { fields[count.name] = "\(count.value)" }
      logger.info("\(summary.title)", metadata: fields)
    } else {
      print(summary.line + "\n")
    }
    guard settings.verbosity != .basic else { return nil }
    var text = DebugText(signal: batch.signal)
    for request in batch.requests {
      let lines = text.lines(of: request)
      if settings.usesLogger {
        for line in lines { logger.info("\(line)") }
      } else {
        print(lines.map { $0 + "\n" }.joined())
      }
    }
    return nil
  }
}
