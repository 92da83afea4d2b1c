// A sink whose other side is otlpd itself.

package import Journal
package import OTLP
package import Pipeline

/// Drops what would come back through a receiver of this daemon and go round for ever; passes on the rest.
package final class SelfLoopSink: Sink {
  private let sink: any Sink
  private let signals: Set<Signal>

  /// - Parameter signals: those that must not reach `sink`.
  package init(_ sink: any Sink, signals: Set<Signal>) {
    self.sink = sink
    self.signals = signals
  }

  package func start() throws { try sink.start() }

  package func export(_ batch: Batch) throws(ExportError) -> ExportRequest.Rejection? {
    guard !signals.contains(batch.signal) else { throw .permanent(reason: "self_loop") }
    return try sink.export(batch)
  }

  package func position(of signal: Signal, in journal: JournalID) -> UInt64? {
    sink.position(of: signal, in: journal)
  }

  package func interrupt() { sink.interrupt() }

  package func stop() { sink.stop() }
}
