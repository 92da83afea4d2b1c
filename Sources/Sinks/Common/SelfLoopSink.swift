// Keeps a sink from sending to otlpd itself.

package import Journal
package import OTLP
package import Pipeline

/// A sink whose endpoint is one of otlpd's own listeners, for some signals: those get dropped and counted.
package final class SelfLoopSink: Sink {
  private let sink: any Sink
  private let signals: Set<Signal>

  /// - Parameter signals: those that would come back.
  package init(_ sink: any Sink, signals: Set<Signal>) {
    self.sink = sink
    self.signals = signals
  }

  package func start() throws { try sink.start() }

  package func export(_ batch: Batch) throws(ExportError) -> ExportRequest.Rejection? {
    if signals.contains(batch.signal) { throw .permanent(reason: DropReason.selfLoop) }
    return try sink.export(batch)
  }

  package func position(of signal: Signal, in journal: JournalID) -> UInt64? { sink.position(of: signal, in: journal) }
  package func interrupt() { sink.interrupt() }
  package func stop() { sink.stop() }
}
