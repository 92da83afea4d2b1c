// The SQLite sink: batches become rows once, and the store's failures become the worker's.

import Bytes
import Glibc
import Journal
import Logging
import OTLP
import Pipeline
import SelfTelemetry
import Sinks
import System
import TelemetryStore
import Testing

@Suite struct SQLiteSinkTests {
  private let path = "/tmp/otlpd-sqlite-sink-\(UInt64.random(in: 0 ... .max))"
  private let metrics = MetricRegistry()
  private let journal = JournalID(bits: 0xfeed)

  private func sink(directory: String? = nil) -> SQLiteSink {
    SQLiteSink(
      id: "sqlite/local", directory: directory ?? path, clock: ManualClock(),
      logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }, metrics: metrics)
  }

  private func batch(sequence: UInt64) throws -> Batch {
    let json = #"{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":{"stringValue":"a"}},{}]}]}]}"#
    let request = try ExportRequest(decoding: Bytes(json), as: .json, signal: .logs)
    return Batch(signal: .logs, requests: [request], journalID: journal, lastSequence: sequence)
  }

  private func removeFiles() {
    let directory = Directory(path: path)
    for name in (try? directory.entries()) ?? [] { try? directory.remove(name) }
    _ = unsafe rmdir(path)
  }

  @Test("A batch is stored once, counted, and its position known after a restart")
  func storesBatches() throws {
    defer { removeFiles() }
    let first = sink()
    try first.start()
    #expect(first.position(of: .logs, in: journal) == nil)
    #expect(try first.export(batch(sequence: 4)) == nil)
    #expect(try first.export(batch(sequence: 4)) == nil)
    first.stop()
    #expect(metrics.render().contains(#"otlpd_store_rows{exporter="sqlite/local",signal="logs"} 2"#))
    let second = sink()
    try second.start()
    #expect(second.position(of: .logs, in: journal) == 4)
    #expect(second.position(of: .logs, in: JournalID(bits: 1)) == nil)
    second.stop()
  }

  @Test("A directory without the right to write is named with the sink and the next step")
  func namesDirectories() throws {
    do {
      // The kernel lets nobody make files there, not even root.
      try sink(directory: "/sys/kernel").start()
      Issue.record("expected an error")
    } catch let error as StoreError {
      #expect(error.kind == .access)
      #expect(error.description.hasPrefix("sqlite/local sink: cannot open /sys/kernel/telemetry-"))
      #expect(
        error.description.hasSuffix(".db: permission denied. Give the service user write access to the directory."))
    }
  }

  @Test("A store that is out of reach is worth retrying")
  func retries() throws {
    let sink = sink(directory: "/sys/kernel")
    do {
      _ = try sink.export(batch(sequence: 1))
      Issue.record("expected an error")
    } catch let ExportError.retryable(after, reason) {
      #expect(after == nil)
      #expect(reason.contains("permission denied"))
    }
  }
}
