// A store in a directory of its own, with a clock that the test moves, and ways to look into its files.

import Bytes
import Glibc
import Logging
import OTLP
import SQLite
import System
import TelemetryStore

/// A directory that goes away with the test.
final class TemporaryDirectory {
  let path = "/tmp/otlpd-store-\(UInt64.random(in: 0 ... .max))"
  var directory: Directory { Directory(path: path) }

  deinit {
    for name in (try? directory.entries()) ?? [] { try? directory.remove(name) }
    _ = unsafe rmdir(path)
  }
}

/// 2026-11-21T12:00:00Z.
let noon: UInt64 = 1_795_262_400_000_000_000
let today = "telemetry-2026-11-21.db"
let tomorrow = "telemetry-2026-11-22.db"

/// A clock at noon that does something when it is read for the nth time after it was armed.
final class InterruptingClock: Clock {
  private let readings = Lock<Int?>(nil)
  private let reading: Int
  private let interrupt: @Sendable () -> Void

  init(reading: Int, _ interrupt: @escaping @Sendable () -> Void) {
    self.reading = reading
    self.interrupt = interrupt
  }

  func arm() { readings.withLock { $0 = 0 } }

  var monotonic: Instant { Instant(nanoseconds: 1) }

  var wall: UInt64 {
    let count = readings.withLock { readings in
      readings? += 1
      return readings
    }
    if count == reading { interrupt() }
    return noon
  }
}

struct Fixture {
  let temporary = TemporaryDirectory()
  let clock = ManualClock(wall: noon)
  let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

  var directory: Directory { temporary.directory }

  /// A store that is not open yet.
  func store(schema: StoreSchema = .current) -> TelemetryStore {
    TelemetryStore(directory: temporary.path, clock: clock, logger: logger, schema: schema)
  }

  func openStore() throws -> TelemetryStore {
    let store = store()
    try store.open()
    return store
  }

  /// Another connection to a file.
  func database(_ file: String = today) throws -> Database {
    try Database(path: directory.path(of: file), mode: .readOnly)
  }

  /// What a statement says about a file.
  func rows(_ sql: String, in file: String = today) throws -> [[SQLiteValue]] { try database(file).rows(sql) }

  func value(_ sql: String, in file: String = today) throws -> SQLiteValue { try database(file).value(sql) }
}

extension ExportRequest {
  init(_ signal: Signal, json: String) throws(DecodeError) {
    try self.init(decoding: Bytes(json), as: .json, signal: signal)
  }

  /// One span with ids made from two numbers; 0 leaves the id out.
  static func span(trace: Int = 1, span: Int = 1, name: String = "GET /orders", more: String = "") throws
    -> ExportRequest
  {
    let ids = [
      trace == 0 ? "" : #""traceId":"\#(hex(trace, 32))","#, span == 0 ? "" : #""spanId":"\#(hex(span, 16))","#,
    ].joined()
    return try ExportRequest(
      .traces,
      json: #"""
        {"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"shop"}}]},
          "scopeSpans":[{"spans":[{\#(ids)"name":"\#(name)","kind":2,
            "startTimeUnixNano":"\#(noon)","endTimeUnixNano":"\#(noon + 5_000_000)"\#(more)}]}]}]}
        """#)
  }

  static func log(_ body: String) throws -> ExportRequest {
    try ExportRequest(
      .logs,
      json: #"""
        {"resourceLogs":[{"scopeLogs":[{"logRecords":[
          {"timeUnixNano":"\#(noon)","severityNumber":9,"body":{"stringValue":"\#(body)"}}]}]}]}
        """#)
  }
}

func hex(_ number: Int, _ digits: Int) -> String {
  let text = String(number, radix: 16)
  return String(repeating: "0", count: digits - text.count) + text
}
